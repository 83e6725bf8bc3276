"""One local round on a board in QEMU, with its instructions counted and its stack painted."""

from dataclasses import dataclass

from tifed.board.emulators.qemu import QemuBoard
from tifed.board.firmware import Firmware
from tifed.data import Samples
from tifed.link import Client, Patience
from tifed.rule.network import Network, Parameters

SILENCE = 120.0
"""Seconds that an emulated board may be silent: a machine with much to do is no fault of it."""


@dataclass(frozen=True)
class EmulatedRound:
    """What the board says of a round.

    Attributes:
        instructions: executed in its mini-batches; the same whenever it is counted.
        visits: samples trained on, each epoch counted.
        stack: most bytes of stack used since the board started.
    """

    instructions: int
    visits: int
    stack: int


def emulated_round(
    firmware: Firmware,
    network: Network,
    layers: tuple[int, ...],
    samples: Samples,
    start: Parameters,
    steps: int,
    seed: int,
) -> EmulatedRound:
    """Train ``layers`` for ``steps`` mini-batches.

    Args:
        firmware: for a board that QEMU has, with a counter.
        network: that it was compiled for.
        layers: one of the sets that it was compiled for.
        samples: that fill its buffer.
        start: parameters that it begins with.
        steps: mini-batches.
        seed: of the run.

    Raises:
        UsageError: if QEMU is not installed.
        RunError: if the emulator fails.
    """
    board = firmware.board
    chip = QemuBoard(firmware, count_instructions=True)
    try:
        client = Client(board.name, chip.open, Patience(answer=5.0, silence=SILENCE))
        client.open_session()
        client.configure(layers, seed)
        if network.centred:
            client.put_centre(start.centre)
        client.add_samples(samples.features, samples.labels)
        for number, (weight, bias) in enumerate(zip(start.weights, start.biases, strict=True)):
            client.put_layer(number, weight, bias)
        # One by one: the ticks of a single step tell its instructions without a remainder.
        done = [client.train(step, 1, 0, 0, 0) for step in range(steps)]
        client.close()
    finally:
        chip.close()
    return EmulatedRound(
        instructions=sum(board.instructions(status.ticks) for status in done),
        visits=sum(status.statistics.visits for status in done),
        stack=done[-1].stack,
    )
