"""No node can move the input's centre further than samples of int8 can."""

import numpy as np
import pytest

from tifed import Experiment
from tifed.experiment import build
from tifed.nodes.messages.check import checked_sums
from tifed.nodes.messages.content import Content, MessageError, message
from tifed.nodes.messages.device_ranges import to_ranges

SAMPLES = 20
DEVICES = np.arange(2)


def answer(total: int) -> Content:
    """A node's sums over 20 samples of each of two devices; one feature's is ``total``."""
    sums = np.zeros(64, np.int64)
    sums[5] = total
    arrays = {"devices": to_ranges(DEVICES), "total": sums}
    return message("calibrate", "experiment", arrays, samples=2 * SAMPLES)


def test_sums_that_int8_samples_cannot_have_are_refused() -> None:
    federation = build(Experiment(devices=2)).federation
    most = 128 * 2 * SAMPLES
    for total in (most, -most):
        sums = checked_sums(answer(total), federation, DEVICES, SAMPLES)
        assert sums.total[5] == total
    for total in (most + 1, -most - 1, 1 << 31, -(1 << 62)):
        with pytest.raises(MessageError, match=f"total has a sum beyond ±{most}"):
            checked_sums(answer(total), federation, DEVICES, SAMPLES)
