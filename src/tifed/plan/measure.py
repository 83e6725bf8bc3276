"""Measure what `tifed plan` shows: the firmware compiled, run in QEMU, its instructions counted.

    python -m tifed.plan.measure [OUT.json]

writes the measurements of every processor (by default into the package). QEMU counts instructions,
and the boards' tick counters resolve them to a few; it does not know cycles.
"""

import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np

from tifed.board import measured
from tifed.board.emulators.qemu import QemuBoard
from tifed.board.firmware import BOARDS, build_firmware, experiment_header
from tifed.board.firmware.boards import QEMU, Board
from tifed.board.firmware.build import Compiler
from tifed.board.firmware.header import memory_bytes
from tifed.board.measured import Image, Measured, Round, write_measured
from tifed.data import load
from tifed.experiment import Experiment, load_experiment
from tifed.experiment.setup import network_for
from tifed.link import Client, Patience
from tifed.rule.network import Network, Parameters, start_parameters

COMMAND = "python -m tifed.plan.measure"

_NANOSECONDS = 1_000_000_000
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
    board: Board, experiment: Experiment, compiler: Compiler
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
    rounds: list[Round] = []
    stacks: list[int] = []
    for layers in ways:
        instructions, stack = _one_round(QemuBoard(firmware, True), board, experiment, layers)
        stacks.append(stack)
        rounds.append(
            Round(
                core=board.processor, command=COMMAND, network=network, layers=layers,
                buffer=experiment.buffer, batch=experiment.batch,
                local_epochs=experiment.local_epochs, instructions=instructions,
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


def _one_round(
    emulated: QemuBoard, board: Board, experiment: Experiment, layers: tuple[int, ...]
) -> tuple[int, int]:
    """Instructions of the first round, and the most stack, bytes."""
    network = network_for(experiment)
    samples = load(experiment.dataset).train
    taken = slice(0, experiment.buffer)
    parameters = _start(experiment, network)
    try:
        client = Client(board.name, emulated.open, Patience())
        client.open_session()
        client.configure(layers, experiment.seed)
        if network.centred:
            client.put_centre(parameters.centre)
        client.add_samples(samples.features[taken], samples.labels[taken])
        arrays = zip(parameters.weights, parameters.biases, strict=True)
        for number, (weight, bias) in enumerate(arrays):
            client.put_layer(number, weight, bias)
        steps = experiment.local_epochs * -(-experiment.buffer // experiment.batch)
        status = client.train(0, steps, 0, 0, 0)
        client.close()
    finally:
        emulated.close()
    return (status.ticks * _NANOSECONDS // board.tick_hertz) >> board.icount_shift, status.stack


def _start(experiment: Experiment, network: Network) -> Parameters:
    """The experiment's start, around the centre of its data."""
    recipe = experiment.build_recipe()
    start = start_parameters(
        network, recipe.start(network), experiment.seed, recipe.start_biases(network)
    )
    if not network.centred:
        return start
    centre = load(experiment.dataset).train.features.mean(axis=0).round().astype(np.int8)
    return Parameters(centre, start.weights, start.biases)


def _lines(measured: Measured) -> Iterator[str]:
    """For people."""
    for image in measured.images:
        yield f"{image.core}: code {image.code}, static {image.static}, stack {image.stack} bytes"
    for row in measured.rounds:
        shape = "-".join(map(str, row.network.shape))
        yield f"{row.core}: {shape}, layers {list(row.layers)}: {row.instructions:,} instructions"


def main() -> None:
    """Measure, print, write."""
    default = Path(measured.__file__).with_suffix(".json")
    measurements = measure(BOARDS)
    for line in _lines(measurements):
        print(line)
    write_measured(Path(sys.argv[1]) if len(sys.argv) > 1 else default, measurements)


if __name__ == "__main__":
    main()
