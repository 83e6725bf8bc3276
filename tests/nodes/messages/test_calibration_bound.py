"""No node can move the input's centre further than samples of int8 can."""

import numpy as np
import pytest

from tifed import Experiment
from tifed.experiment import build
from tifed.federation.counts import impossible_squares
from tifed.nodes.messages.check import checked_sums
from tifed.nodes.messages.content import Content, MessageError, message
from tifed.nodes.messages.device_ranges import to_ranges

SAMPLES = 20
DEVICES = np.arange(2)
MOST_SQUARES = 64 * 2 * SAMPLES * 128**2


def answer(total: int, squares: int = MOST_SQUARES) -> Content:
    """A node's sums over 20 samples of each of two devices; one feature's is ``total``."""
    sums = np.zeros(64, np.int64)
    sums[5] = total
    arrays = {"devices": to_ranges(DEVICES), "total": sums}
    return message("calibrate", "experiment", arrays, samples=2 * SAMPLES, squares=squares)


def test_sums_that_int8_samples_cannot_have_are_refused() -> None:
    federation = build(Experiment(devices=2)).federation
    most = 128 * 2 * SAMPLES
    for total in (most, -most):
        sums = checked_sums(answer(total), federation, DEVICES, SAMPLES)
        assert sums.total[5] == total
    for total in (most + 1, -most - 1, 1 << 31, -(1 << 62)):
        with pytest.raises(MessageError, match=f"total has a sum beyond ±{most}"):
            checked_sums(answer(total), federation, DEVICES, SAMPLES)


def test_squares_that_int8_samples_cannot_have_are_refused() -> None:
    federation = build(Experiment(devices=2)).federation
    # 40 samples that sum to 130 are 130 / 40 each at the least: squares of 130**2 / 40 = 422.5.
    for squares in (423, MOST_SQUARES):
        sums = checked_sums(answer(130, squares), federation, DEVICES, SAMPLES)
        assert sums.squares == squares
    for squares in (0, 422, MOST_SQUARES + 1, 1 << 62):
        named = rf"a sum of squares of {squares}, which is not in 423\.\.{MOST_SQUARES}"
        with pytest.raises(MessageError, match=named):
            checked_sums(answer(130, squares), federation, DEVICES, SAMPLES)
    with pytest.raises(MessageError, match="squares is -1, not a whole number"):
        checked_sums(answer(0, -1), federation, DEVICES, SAMPLES)


def test_squares_of_a_large_fleet_pass_no_word() -> None:
    total = np.full(2, 128 * 100_000_000)
    assert impossible_squares(total, 2 * 100_000_000 << 14, 100_000_000) is None
    assert impossible_squares(total, (2 * 100_000_000 << 14) - 1, 100_000_000) is not None
    assert impossible_squares(np.zeros(2, np.int64), 0, 0) is None
