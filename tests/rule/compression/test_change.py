"""The short number of what changed, at the corners of its ranges."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tifed.errors import UsageError
from tifed.rule.compression import Change, quantised, rebuilt, rounding_key, sent_down
from tifed.rule.compression.change import LARGEST_SHIFT

KEY = rounding_key(7, 3, 11, 20, 0)
changes = st.builds(Change, st.integers(1, 127), st.integers(0, LARGEST_SHIFT))
weights = st.integers(-32_767, 32_767)


@given(weights, weights, changes)
def test_what_stands_for_a_weight_is_near_it_and_within_its_reach(
    before: int, after: int, change: Change
) -> None:
    X, W = np.full((1, 16), before, np.int16), np.full((1, 16), after, np.int16)
    q = quantised(X, W, change, KEY)
    stands = rebuilt(X, q, change)
    assert np.abs(q).max() <= change.top
    assert np.abs(stands).max() <= change.reach(32_767)
    free = np.abs(q) < change.top
    assert (np.abs(stands - after)[free] < 1 << change.shift).all()
    # A clamped number falls short of the change, and never points the other way.
    assert (np.abs(q << change.shift) < abs(after - before) + (1 << change.shift)).all()
    assert not (q * np.sign(after - before) < 0).any()


def test_rounding_is_right_on_average() -> None:
    X = np.zeros((100, 100), np.int16)
    q = quantised(X, X + np.int16(5), Change(1, shift=4), KEY)
    assert set(np.unique(q)) == {0, 1}
    assert abs(q.mean() - 5 / 16) < 5 * np.sqrt(5 / 16 * 11 / 16 / q.size)


@given(st.integers(-32_767 << 8, 32_767 << 8), weights, changes)
def test_what_devices_have_never_passes_the_bound_and_never_moves_away(
    own: int, before: int, change: Change
) -> None:
    X = np.array([[before]], np.int16)
    after = int(sent_down(np.array([[own]]), X, change, 8, 32_767)[0, 0])
    assert abs(after) <= 32_767
    assert (after - before) % (1 << change.shift) == 0
    assert abs(own - (after << 8)) <= max(abs(own - (before << 8)), 1 << change.shift + 7)


def test_many_steps_down_end_where_the_server_is() -> None:
    own, X, change = np.array([[1000 << 8, -70 << 8]]), np.zeros((1, 2), np.int16), Change(1, 4)
    for _ in range(70):
        X = sent_down(own, X, change, 8, 32_767)
    assert (np.abs(own - (X.astype(np.int64) << 8)) <= 8 << 8).all()


def test_each_pair_of_rows_of_a_device_goes_up_once_in_so_many_rounds() -> None:
    change = Change(1, 5, rows=4)
    rows = np.arange(10)
    up = np.array([change.goes_up(rows, 3, number) for number in range(4)])
    assert (up.sum(axis=0) == 1).all()
    assert (up[:, 0::2] == up[:, 1::2]).all()


@pytest.mark.parametrize(
    ("values", "named"),
    [({"top": 128}, "top"), ({"top": -1}, "top"), ({"top": 1, "shift": 15}, "shift"),
     ({"top": 1, "rows": 0}, "rows"), ({"top": 1, "rows": 17}, "rows")],
)  # fmt: skip
def test_what_is_out_of_range_is_named(values: dict[str, Any], named: str) -> None:
    with pytest.raises(UsageError, match=f"^{named}: "):
        Change(**values)
