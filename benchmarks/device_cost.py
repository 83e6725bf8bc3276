"""What training costs a device: instructions, stack and code, board by board, from QEMU.

    python benchmarks/device_cost.py [--out measured.json]

Instructions are counted with ``-icount``, so they repeat to the instruction; they are not cycles.
Each row is one local round of 50 samples (20 on the board with 16 KB of RAM) and 5 local epochs in
mini-batches of 10, from the first parameters, on random samples half of whose values are 0.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tifed.board.emulators.qemu import QemuBoard
from tifed.board.firmware import build_firmware, experiment_header
from tifed.board.firmware.boards import QEMU, Board
from tifed.board.firmware.elf import read_image
from tifed.board.firmware.header import memory_bytes
from tifed.federation.costs import macs_per_visit
from tifed.link import Client, Patience
from tifed.rule.network import Network, start_parameters
from tifed.rule.recipes import RECIPES

SAMPLES, EPOCHS, BATCH = 50, 5, 10
SHAPES = ((64, 32, 10), (784, 32, 10))


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="write the rows to this file as JSON")
    parser.add_argument("--board", choices=QEMU, action="append", help="default all")
    parser.add_argument("--compiler", choices=("zig", "gcc"), default="zig")
    chosen = parser.parse_args()
    rows = []
    for processor in chosen.board or QEMU:
        for row in measure(QEMU[processor], chosen.compiler):
            rows.append(row)
            print(json.dumps(row), flush=True)
    if chosen.out:
        chosen.out.write_text(json.dumps(rows, indent=1) + "\n")


def measure(board: Board, compiler: Any) -> Iterator[dict[str, Any]]:
    """Every shape, recipe and set of layers that fits the board."""
    for shape in SHAPES:
        for recipe in ("tuned", "paper"):
            network = RECIPES[recipe]().network(shape, BATCH)
            for layers in ((0, 1), (0,), (1,)):
                # The 16 KB board holds fewer samples; what it costs per sample is the same.
                buffer = SAMPLES if board.ram > 1 << 16 else 20
                if memory_bytes(network, [layers], buffer, BATCH) > board.ram - 3000:
                    continue
                yield _round(board, network, recipe, layers, buffer, compiler)


def _round(
    board: Board,
    network: Network,
    recipe: str,
    layers: tuple[int, ...],
    buffer: int,
    compiler: Any,
) -> dict[str, Any]:
    header = experiment_header(network, [layers], buffer, BATCH)
    firmware = build_firmware(board, header, compiler)
    image = read_image(firmware.elf)
    rng = np.random.default_rng(1)
    samples = rng.integers(0, 128, (buffer, network.features), dtype=np.int8)
    # As in pictures: much of a sample is background.
    samples[rng.random(samples.shape) < 0.5] = 0
    labels = rng.integers(0, network.classes, buffer, dtype=np.int32)
    start = start_parameters(network, RECIPES[recipe]().start(network), 1)
    chip = QemuBoard(firmware, count_instructions=True)
    try:
        client = Client(board.name, chip.open, Patience(answer=5.0, silence=120.0))
        client.open_session()
        client.configure(layers, 1)
        client.add_samples(samples, labels)
        for number in range(network.depth):
            client.put_layer(number, start.weights[number], start.biases[number])
        steps = EPOCHS * -(-buffer // BATCH)
        done = [client.train(step, 1, 0, 0, 0) for step in range(steps)]
    finally:
        chip.close()
    instructions = sum(board.instructions(status.ticks) for status in done)
    visits = sum(status.statistics.visits for status in done)
    macs = macs_per_visit(network, layers) * visits
    return {
        "board": board.name,
        "processor": board.processor,
        "shape": list(network.shape),
        "recipe": recipe,
        "layers": list(layers),
        "samples": buffer,
        "epochs": EPOCHS,
        "visits": visits,
        "instructions": instructions,
        "macs": macs,
        "instructions_per_mac": round(instructions / macs, 3),
        "instructions_per_visit": round(instructions / visits),
        "stack": done[-1].stack,
        "code": image.code,
        "core_code": image.core,
        "compiler": compiler,
    }


if __name__ == "__main__":
    main()
