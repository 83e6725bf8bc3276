"""Measure feature extraction: firmware with an extractor, run in QEMU, its instructions counted.

    python -m tifed.plan.measure_extraction [FOLDER]

writes the table of every processor (by default into the package): of the extractors that
ship with it, and of single layers, from which `tifed plan` estimates any other one.
"""

import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np

from tifed.board.emulators.qemu import QemuBoard
from tifed.board.firmware import EMULATED_PROCESSORS, build_firmware, experiment_header
from tifed.board.firmware.build import Compiler
from tifed.board.firmware.elf import read_image
from tifed.board.firmware.emulated_boards import QEMU, EmulatedBoard
from tifed.board.measured import BUILT_IN
from tifed.board.measured_extraction import Extraction, Extractions, write_extractions
from tifed.extractor import Convolution, Dense, Extractor, FeatureLayer, MaxPool
from tifed.extractor.operations import extractor_operations
from tifed.extractor.shipped import find_extractor, shipped_names
from tifed.link import Client, Patience
from tifed.plan.measure import compiler_version
from tifed.rule.recipes import Tuned

COMMAND = "python -m tifed.plan.measure_extraction"


def measure_one(
    board: EmulatedBoard, name: str, extractor: Extractor, compiler: Compiler = "zig"
) -> Extraction:
    """One sample through ``extractor`` on an emulated ``board``.

    Raises:
        UsageError: if QEMU or the compiler is missing, or the extractor does not fit the board.
        RunError: if an emulator or a compiler fails.
    """
    network = Tuned().network((extractor.features, 2), 1)
    plain = build_firmware(board, experiment_header(network, [(0,)], 1, 1), compiler)
    header = experiment_header(network, [(0,)], 1, 1, extractor=extractor)
    firmware = build_firmware(board, header, compiler)
    sample = np.random.default_rng(1).integers(-128, 128, (1, extractor.input_features))
    chip = QemuBoard(firmware, count_instructions=True)
    try:
        client = Client(board.name, chip.open, Patience(answer=5.0, silence=120.0))
        client.open_session()
        client.configure((0,), 1)
        client.add_samples(sample.astype(np.int8), np.zeros(1, np.int32))
        status = client.status()
        client.close()
    finally:
        chip.close()
    return Extraction(
        core=board.processor, command=COMMAND, name=name, extractor=extractor.digest,
        **asdict(extractor_operations(extractor)),
        instructions=board.instructions(status.ticks), stack=status.stack,
        code=read_image(firmware.elf).core - read_image(plain.elf).core,
        compiler=compiler_version(compiler),
    )  # fmt: skip


def probes() -> Iterator[tuple[str, Extractor]]:
    """Single layers: many or few products per sum, gathered or not, with and without a maximum."""
    yield "3x3 of 1, padded, maximum", _extractor((16, 16, 1), _convolution(8, 3, 1, 1), _POOL)
    yield "5x5 of 1", _extractor((16, 16, 1), _convolution(8, 5, 1, 0))
    yield "3x3 of 3, padded", _extractor((10, 10, 3), _convolution(12, 3, 3, 1))
    yield "3x3 of 8, padded, maximum", _extractor((8, 8, 8), _convolution(16, 3, 8, 1), _POOL)
    yield "3x3 of 16", _extractor((6, 6, 16), _convolution(16, 3, 16, 0))
    yield "1x1 of 8", _extractor((8, 8, 8), _convolution(16, 1, 8, 0))
    yield "dense", _extractor((8, 8, 8), Dense(*_constants(32, 512)))


_POOL = MaxPool(2, 2)


def _convolution(units: int, kernel: int, channels: int, padding: int) -> Convolution:
    return Convolution(*_constants(units, kernel, kernel, channels), padding=padding)


def _constants(*shape: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(len(shape) * shape[0])
    bias, shift = np.zeros(shape[0], np.int32), np.full(shape[0], 8, np.uint8)
    return rng.integers(-64, 65, shape).astype(np.int8), bias, shift


def _extractor(shape: tuple[int, int, int], *layers: FeatureLayer) -> Extractor:
    return Extractor(shape, 0, layers)


def main() -> None:
    """Measure, print, write."""
    rows = []
    for processor in EMULATED_PROCESSORS:
        shipped = ((name, find_extractor(name)) for name in shipped_names())
        for name, extractor in (*shipped, *probes()):
            row = measure_one(QEMU[processor], name, extractor)
            rows.append(row)
            ratio = row.instructions / row.macs
            print(
                f"{processor}: {name}: {row.instructions:,} instructions, {ratio:.2f} per MAC, "
                f"stack {row.stack}, code {row.code}",
                flush=True,
            )
    default = Path(str(BUILT_IN))
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    write_extractions(folder, Extractions(rows=tuple(rows)))


if __name__ == "__main__":
    main()
