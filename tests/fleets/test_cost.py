"""Instructions counted by QEMU repeat to the instruction, and stay few; stacks stay small."""

import numpy as np
import pytest

from tifed.board.emulators.qemu import QemuBoard
from tifed.board.firmware import build_firmware, experiment_header
from tifed.board.firmware.boards import QEMU
from tifed.experiment import Experiment
from tifed.experiment.setup import Setup, build
from tifed.federation.costs import macs_per_visit
from tifed.link import Client, DeviceStatus

SMALLEST_STACK, LARGEST_STACK = 64, 512
STEPS = 4

# Instructions per multiply-accumulate of steps that train both layers.
SMALL = {
    "cortex-m0": 12.0, "cortex-m3": 6.5, "cortex-m4": 4.5, "cortex-m7": 4.5, "riscv32": 6.5,
}  # fmt: skip
LARGE = {"cortex-m3": 6.5, "cortex-m4": 3.0, "cortex-m7": 3.0, "riscv32": 6.5}


def steps_on(processor: str, setup: Setup) -> tuple[list[int], DeviceStatus]:
    """Instructions of each of the first mini-batches of 10, and the device's last status."""
    network, train = setup.network, setup.dataset.train
    firmware = build_firmware(QEMU[processor], experiment_header(network, [(0, 1)], 20, 10))
    board = QemuBoard(firmware, count_instructions=True)
    try:
        client = Client(processor, board.open)
        client.open_session()
        client.configure((0, 1), 1)
        client.put_centre(train.features.mean(axis=0).round().astype(np.int8))
        client.add_samples(train.features[:20], np.asarray(train.labels[:20]))
        for number in (0, 1):
            client.put_layer(number, setup.start.weights[number], setup.start.biases[number])
        done = [client.train(step, 1, 0, 0, 0) for step in range(STEPS)]
    finally:
        board.close()
    return [firmware.board.instructions(status.ticks) for status in done], done[-1]


def per_mac(counts: list[int], setup: Setup) -> float:
    """Of the mean mini-batch."""
    return sum(counts) / (10 * STEPS * macs_per_visit(setup.network, (0, 1)))


@pytest.mark.parametrize("processor", QEMU)
def test_a_local_round_costs_little_and_the_same_every_time(processor: str) -> None:
    setup = build(Experiment(dataset="digits", devices=1, rounds=1))
    counts, last = steps_on(processor, setup)
    assert counts == steps_on(processor, setup)[0]
    # Less than one for each multiply-accumulate there cannot be.
    assert min(counts) > 10 * (64 * 32 + 32 * 10)
    assert per_mac(counts, setup) <= SMALL[processor]
    assert SMALLEST_STACK < last.stack <= LARGEST_STACK


@pytest.mark.parametrize("processor", LARGE)
def test_a_large_first_layer_costs_least(processor: str) -> None:
    setup = build(Experiment(dataset="fashion-mnist", devices=1, rounds=1, layers=(784, 32, 10)))
    counts, last = steps_on(processor, setup)
    assert per_mac(counts, setup) <= LARGE[processor]
    assert last.stack <= LARGEST_STACK
