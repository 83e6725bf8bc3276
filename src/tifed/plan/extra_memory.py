"""Memory of firmware with an optional part, and how much of it that part takes."""

from typing import Any

from tifed.board.firmware import build_firmware, experiment_header
from tifed.board.firmware.elf import read_image
from tifed.board.firmware.emulated_boards import QEMU
from tifed.rule.recipes import RECIPES


def memory_cells(processor: str, switch: str) -> list[str]:
    """Flash and variables of firmware for 64-32-10, in bytes, as cells of a table.

    Args:
        processor: an emulated one.
        switch: argument of `experiment_header` that asks for the part; in brackets is what it adds.
    """
    network = RECIPES["tuned"]().network((64, 32, 10), 10)
    sizes = []
    both: tuple[dict[str, Any], ...] = ({switch: True}, {})
    for switches in both:
        header = experiment_header(network, [(0, 1)], 20, 10, **switches)
        image = read_image(build_firmware(QEMU[processor], header).elf)
        sizes.append((image.code, image.data))
    return [f"{size:,} (+{size - plain:,})" for size, plain in zip(*sizes, strict=True)]
