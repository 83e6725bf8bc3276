"""Instructions counted by QEMU repeat to the instruction, and stacks stay small."""

import numpy as np
import pytest

from tifed.emulators.qemu import QemuBoard
from tifed.experiment import Experiment
from tifed.experiment.build import build
from tifed.firmware import build_firmware, experiment_header
from tifed.firmware.boards import QEMU
from tifed.link import Client, DeviceStatus

SMALLEST_STACK, LARGEST_STACK = 64, 512


@pytest.mark.parametrize("processor", QEMU)
def test_a_local_round_costs_the_same_every_time(processor: str) -> None:
    setup = build(Experiment(dataset="digits", devices=1, rounds=1))
    network, train = setup.network, setup.dataset.train
    firmware = build_firmware(QEMU[processor], experiment_header(network, [(0, 1)], 20, 10))

    def round_of_work() -> list[DeviceStatus]:
        board = QemuBoard(firmware, count_instructions=True)
        try:
            client = Client(processor, board.open)
            client.open_session()
            client.configure((0, 1), 1)
            client.add_samples(train.features[:20], np.asarray(train.labels[:20]))
            for number in (0, 1):
                client.put_layer(number, setup.start.weights[number], setup.start.biases[number])
            return [client.train(step, 1, 0, 0, 0) for step in range(4)]
        finally:
            board.close()

    first, second = round_of_work(), round_of_work()
    counts = [firmware.board.instructions(status.ticks) for status in first]
    assert counts == [firmware.board.instructions(status.ticks) for status in second]
    # Less than one for each multiply-accumulate there cannot be.
    assert min(counts) > 10 * (64 * 32 + 32 * 10)
    assert SMALLEST_STACK < first[-1].stack <= LARGEST_STACK
