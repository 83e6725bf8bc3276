"""What extracting features costs a device: instructions, RAM, stack and code, board by board.

    python benchmarks/extractor_cost.py [EXTRACTOR …] [--board cortex-m4] [--compiler zig]

EXTRACTOR is a file of `tifed extractor train`, or the name of one that ships; default all of those.
Instructions are counted by QEMU from the whole sample to its features; they are not cycles. RAM is
what an image has more with the extractor than without it, and how much of the extraction's block
was written to, found by painting it in unicorn's memory.
"""

import argparse
import json
from typing import Any

import numpy as np

from tifed.board.emulators.unicorn import UnicornBoard
from tifed.board.firmware import build_firmware, experiment_header
from tifed.board.firmware.elf import read_image
from tifed.board.firmware.emulated_boards import QEMU, UNICORN
from tifed.extractor import Extractor
from tifed.extractor.memory import extractor_memory
from tifed.extractor.packed import constant_bytes
from tifed.extractor.shipped import find_extractor, shipped_names
from tifed.link import Client
from tifed.plan.measure_extraction import measure_one
from tifed.rule.recipes import Tuned

PAINTS = (0x55, 0xAA)
"""A byte that keeps both is one that nobody wrote to."""


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("extractors", nargs="*", help="files, or names of extractors that ship")
    parser.add_argument("--board", choices=QEMU, action="append", help="default all")
    parser.add_argument("--compiler", choices=("zig", "gcc"), default="zig")
    chosen = parser.parse_args()
    for name in chosen.extractors or shipped_names():
        extractor = find_extractor(name)
        for processor in chosen.board or QEMU:
            print(json.dumps(measure(name, extractor, processor, chosen.compiler)), flush=True)


def measure(name: str, extractor: Extractor, processor: str, compiler: Any) -> dict[str, Any]:
    """One extractor on one processor."""
    row = measure_one(QEMU[processor], name, extractor, compiler)
    network = Tuned().network((extractor.features, 2), 1)
    with_it = experiment_header(network, [(0,)], 1, 1, extractor=extractor)
    headers = (experiment_header(network, [(0,)], 1, 1), with_it)
    plain, image = (
        read_image(build_firmware(QEMU[processor], header, compiler).elf) for header in headers
    )
    planned = extractor_memory(extractor).total
    sample = extractor.input_features - extractor.features
    return {
        "extractor": name,
        "processor": processor,
        "compiler": row.compiler,
        "macs": row.operations.macs,
        "instructions": row.instructions,
        "instructions_per_mac": round(row.instructions / row.operations.macs, 3),
        "ram_planned": planned + extractor.features + sample,
        "ram_of_the_image": image.data - plain.data,
        "block_planned": planned,
        "block_written": written(extractor, processor, with_it, compiler),
        "stack": row.stack,
        "code": row.code,
        "constants": constant_bytes(extractor),
    }


def written(extractor: Extractor, processor: str, header: str, compiler: Any) -> int | None:
    """Bytes of the extraction's block that an extraction writes to; None where not emulated."""
    if processor not in UNICORN:
        return None
    firmware = build_firmware(UNICORN[processor], header, compiler)
    symbols = read_image(firmware.elf).symbols
    place = next(
        symbols[name] for name in symbols if name.split(".")[0] == "room" or name.endswith(".room")
    )
    count = extractor_memory(extractor).total
    kept = np.ones(count, bool)
    sample = np.random.default_rng(1).integers(-128, 128, (1, extractor.input_features))

    def extract_over(paint: int) -> bytes:
        board = UnicornBoard(firmware)
        try:
            client = Client(processor, lambda: board)
            client.open_session()
            board.poke(place, bytes([paint]) * count)
            client.calibrate(sample.astype(np.int8), extractor.features)
            return board.peek(place, count)
        finally:
            board.close()

    for paint in PAINTS:
        kept &= np.frombuffer(extract_over(paint), np.uint8) == paint
    return count - int(kept.sum())


if __name__ == "__main__":
    main()
