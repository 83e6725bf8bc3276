"""Measure what `tifed plan` shows: the firmware compiled, run in QEMU, its instructions counted.

    python -m tifed.plan.measure [FOLDER]

writes the tables of every processor (by default into the package). QEMU counts instructions,
and the boards' tick counters resolve them to a few; it does not know cycles.
"""

import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np

from tifed.board.firmware import EMULATED_PROCESSORS, build_firmware, experiment_header
from tifed.board.firmware.build import Compiler
from tifed.board.firmware.emulated_boards import QEMU, EmulatedBoard
from tifed.board.firmware.header import memory_bytes
from tifed.board.measured import BUILT_IN, Image, Measured, Round, fingerprint_of, write_measured
from tifed.data import load
from tifed.experiment import Experiment, load_experiment
from tifed.experiment.setup import network_for
from tifed.plan.emulated_round import emulated_round
from tifed.rule.network import Network, Parameters

COMMAND = "python -m tifed.plan.measure"

_EXPERIMENTS = ("digits", "digits-paper")
"""Presets whose first round is measured: of all layers, then of each alone."""


def measure(processors: tuple[str, ...], compiler: Compiler = "zig") -> Measured:
    """Build and run everything; minutes.

    Args:
        processors: as in the table of cores.
        compiler: of the firmware.

    Raises:
        UsageError: if QEMU or the compiler is missing.
        RunError: if an emulator or a compiler fails.
    """
    images: list[Image] = []
    rounds: list[Round] = []
    for processor in processors:
        for preset in _EXPERIMENTS:
            image, counted = _measure(QEMU[processor], load_experiment(preset=preset), compiler)
            images += [image] if preset == _EXPERIMENTS[0] else []
            rounds += counted
    return Measured(images=tuple(images), rounds=tuple(rounds))


def _measure(
    board: EmulatedBoard, experiment: Experiment, compiler: Compiler
) -> tuple[Image, tuple[Round, ...]]:
    """One image, and the rounds that it does."""
    from tifed.board.firmware.elf import (
        read_image,  # late: only the extra emulator has what it needs
    )

    network = network_for(experiment)
    everything = tuple(range(network.depth))
    ways = (everything, *((layer,) for layer in everything))
    shape = (experiment.buffer, experiment.batch)
    firmware = build_firmware(board, experiment_header(network, ways, *shape), compiler)
    samples = load(experiment.dataset).train.take(np.arange(experiment.buffer))
    start = _start(experiment, network)
    steps = experiment.local_epochs * -(-experiment.buffer // experiment.batch)
    rounds: list[Round] = []
    stacks: list[int] = []
    for layers in ways:
        counted = emulated_round(firmware, network, layers, samples, start, steps, experiment.seed)
        stacks.append(counted.stack)
        rounds.append(
            Round(
                core=board.processor, command=COMMAND, recipe=experiment.recipe,
                shape=network.shape, layers=layers, buffer=experiment.buffer,
                batch=experiment.batch, local_epochs=experiment.local_epochs,
                instructions=counted.instructions, fingerprint=fingerprint_of(network, *shape),
            )
        )  # fmt: skip
    sizes = read_image(firmware.elf)
    given = memory_bytes(network, ways, *shape) + network.features
    image = Image(
        core=board.processor,
        command=COMMAND,
        code=sizes.code,
        static=sizes.data - given,
        stack=max(stacks),
        compiler=compiler_version(compiler),
    )
    return image, tuple(rounds)


def compiler_version(compiler: Compiler) -> str:
    """The compiler's name and version."""
    if compiler == "zig":
        return f"ziglang {version('ziglang')}"
    command = ["arm-none-eabi-gcc", "-dumpfullversion"]
    return (
        f"gcc {subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()}"
    )


def _start(experiment: Experiment, network: Network) -> Parameters:
    """The experiment's start, around the centre of its data."""
    start = experiment.build_recipe().start_parameters(network, experiment.seed)
    if not network.centred:
        return start
    centre = load(experiment.dataset).train.features.mean(axis=0).round().astype(np.int8)
    return Parameters(centre, start.weights, start.biases)


def _lines(measured: Measured) -> Iterator[str]:
    """For people."""
    for image in measured.images:
        yield f"{image.core}: code {image.code}, static {image.static}, stack {image.stack} bytes"
    for row in measured.rounds:
        shape = "-".join(map(str, row.shape))
        yield f"{row.core}: {shape}, layers {list(row.layers)}: {row.instructions:,} instructions"


def main() -> None:
    """Measure, print, write."""
    default = Path(str(BUILT_IN))
    measured = measure(EMULATED_PROCESSORS)
    for line in _lines(measured):
        print(line)
    write_measured(Path(sys.argv[1]) if len(sys.argv) > 1 else default, measured)


if __name__ == "__main__":
    main()
