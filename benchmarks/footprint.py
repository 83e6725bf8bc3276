"""What the firmware takes on each processor: a table that a change has to show the difference of.

    python -m benchmarks.footprint [--check]

builds the firmware for every processor that QEMU has, for a small and a large network and two
recipes, trains for one epoch on each and writes docs/footprint.md; prints what is not as it was.
With ``--check`` it writes nothing and fails if there is a difference.
"""

import argparse
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from tifed.board.firmware import EMULATED_PROCESSORS, build_firmware, experiment_header
from tifed.board.firmware.elf import read_image
from tifed.board.firmware.emulated_boards import QEMU
from tifed.board.firmware.header import memory_bytes
from tifed.data import Samples
from tifed.federation.costs import macs_per_visit
from tifed.plan.emulated_round import emulated_round
from tifed.plan.measure import compiler_version
from tifed.rule.integer.random import Purpose, random32, stream_key
from tifed.rule.network import Network, start_parameters
from tifed.rule.recipes import RECIPES

PAGE = Path(__file__).parents[1] / "docs" / "footprint.md"
SHAPES = ((64, 32, 10), (784, 32, 10))
CHOSEN = ("tuned", "paper")
SAMPLES, BATCH = 20, 10
ROOM = 3_000
"""Bytes of RAM that a board needs beside the memory of the core."""

Table = Mapping[str, Mapping[str, int]]
"""Figures by column, by row."""

TITLES = {
    "flash": "flash", "core": "of it the core", "ram": "variables", "stack": "stack",
    "instructions": "instructions",
}  # fmt: skip


def measure(processors: tuple[str, ...] = EMULATED_PROCESSORS) -> Table:
    """Build and run everything that fits: flash, variables and stack in bytes, instructions."""
    table = {}
    for processor in processors:
        board = QEMU[processor]
        for shape in SHAPES:
            for recipe in CHOSEN:
                network = RECIPES[recipe]().network(shape, BATCH)
                if memory_bytes(network, [(0, 1)], SAMPLES, BATCH) <= board.ram - ROOM:
                    row = f"{processor}, {'-'.join(map(str, shape))}, {recipe}"
                    table[row] = _measure(processor, network, recipe)
    return table


def _measure(processor: str, network: Network, recipe: str) -> Mapping[str, int]:
    """One image, and an epoch of all its layers."""
    header = experiment_header(network, [(0, 1)], SAMPLES, BATCH)
    firmware = build_firmware(QEMU[processor], header)
    start = start_parameters(network, RECIPES[recipe]().start(network), 1)
    steps = SAMPLES // BATCH
    counted = emulated_round(firmware, network, (0, 1), samples(network), start, steps, 1)
    image = read_image(firmware.elf)
    return {
        "flash": image.code, "core": image.core, "ram": image.data, "stack": counted.stack,
        "instructions": counted.instructions,
    }  # fmt: skip


def samples(network: Network) -> Samples:
    """Any samples, half of whose values are 0, as the background of a picture is."""
    words = random32(stream_key(1, Purpose.PARTITION), np.arange(SAMPLES * network.features))
    values = (words >> np.uint32(24)).astype(np.uint8).view(np.int8)
    features = np.where(words & np.uint32(1) == 0, 0, np.maximum(values, 0)).astype(np.int8)
    labels = (np.arange(SAMPLES) % network.classes).astype(np.int32)
    return Samples(features.reshape(SAMPLES, network.features), labels)


def per_mac(row: str, figures: Mapping[str, int]) -> float:
    """Instructions per multiply-accumulate of forward pass and update together."""
    _, shape, recipe = row.split(", ")
    network = RECIPES[recipe]().network(tuple(map(int, shape.split("-"))), BATCH)
    return figures["instructions"] / (SAMPLES * macs_per_visit(network, (0, 1)))


def text(table: Table) -> str:
    """The page."""
    rows = "\n".join(
        f"| {' | '.join(row.split(', '))} | "
        f"{' | '.join(f'{figures[column]:,}' for column in TITLES)} | {per_mac(row, figures):.2f} |"
        for row, figures in table.items()
    )
    return _PAGE.format(
        compiler=compiler_version("zig"), rows=rows, titles=" | ".join(TITLES.values())
    )


_PAGE = """\
# What a processor needs

This page is written by `make footprint` (`python -m benchmarks.footprint`), which compiles the
firmware with {compiler} and runs it in QEMU. `make test` measures again and fails where a
figure is another one, so that a change of the code has to show here what it costs.

The images hold the learning core, the link and the board's own code. All layers are trained for one
epoch on a buffer of 20 samples in mini-batches of 10; half of the values of a sample are 0.

| processor | network | recipe | {titles} | per MAC |
|---|---|---|---|---|---|---|---|---|
{rows}

- *Flash* is instructions and constants. *Variables* is all RAM but the stack: the network, the
  buffer of samples and the link's buffers. *Stack* is the most that was used. All are in bytes.
- *Instructions* are counted, so they repeat exactly; they are not cycles. *Per MAC* divides them by
  the multiply-accumulates of forward passes and updates together.
- The emulated board with a Cortex-M0 has 16 KB of RAM, which is too little for 784-32-10.
- Cortex-M4 and M7 use their DSP instructions; RISC-V is RV32IMAC.

An AVR is not listed: its compiler comes with the operating system, so that the sizes differ from
one machine to another.
"""


def read(page: str) -> Table:
    """The table in the text of the page.

    Raises:
        ValueError: if a row is not as `text` writes it.
    """
    table = {}
    for line in page.splitlines():
        if re.match(r"\| [a-z0-9-]+ \| \d", line):
            processor, shape, recipe, *cells = line.strip("| ").split(" | ")
            numbers = (int(cell.replace(",", "")) for cell in cells[:-1])
            table[f"{processor}, {shape}, {recipe}"] = dict(zip(TITLES, numbers, strict=True))
    return table


def changes(old: Table, new: Table) -> Iterator[str]:
    """One line for each figure that is another one: what it was, what it is, by how much."""
    for row in dict.fromkeys((*old, *new)):
        if row not in new or row not in old:
            yield f"{row}: {'is gone' if row in old else 'is new'}"
            continue
        for column, now in new[row].items():
            before = old[row].get(column)
            if before is None:
                yield f"{row}: {column} is new: {now:,}"
            elif now != before:
                percent = f", {(now - before) / before:+.2%}" if before else ""
                yield f"{row}: {column} {before:,} -> {now:,} ({now - before:+,}{percent})"


def main() -> None:
    """Measure; write the page or compare with it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if it differs")
    checks = parser.parse_args().check
    before = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    table = measure()
    for line in changes(read(before), table):
        print(line)
    if not checks:
        PAGE.write_text(text(table), encoding="utf-8")
    elif text(table) != before:
        sys.exit(f"{PAGE.name} is not what the code gives: run make footprint and commit it")


if __name__ == "__main__":
    main()
