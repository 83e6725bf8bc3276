"""What devices keep of changes that are too small to go up, against the specification."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tifed.errors import UsageError
from tifed.rule.compression import RESIDUAL_TOP, Change, Changes, shortened, with_residual
from tifed.rule.compression.change import LARGEST_SHIFT
from tifed.rule.compression.residual import unit_for
from tifed.rule.network import Parameters

BOUND = 32_767
weights = st.integers(-BOUND, BOUND)
residuals = st.integers(-RESIDUAL_TOP, RESIDUAL_TOP)
changes = st.builds(
    lambda top, shift, finer: Change(top, max(shift - finer, 0), unit=unit_for(shift)),
    st.integers(1, 127), st.integers(0, LARGEST_SHIFT), st.integers(0, 6),
)  # fmt: skip


def truncated(value: int, shift: int) -> int:
    """Towards zero, as the specification writes it."""
    return (abs(value) >> shift) * (1 if value > 0 else -1)


def limited(value: int, top: int) -> int:
    return max(-top, min(top, value))


@given(weights, weights, residuals, changes)
def test_a_number_and_what_is_left_are_what_the_specification_says(
    x: int, w: int, r: int, change: Change
) -> None:
    """Section 25.8, written out for one weight."""
    assert change.unit is not None
    v = w - x + (r << change.unit)
    q = limited(truncated(v, change.shift), change.top)
    left = limited(truncated(v - (q << change.shift), change.unit), RESIDUAL_TOP)
    X, W, R = (np.array([[it]], np.int16) for it in (x, w, r))
    made, kept = with_residual(X, W, R.astype(np.int8), change)
    assert (made.tolist(), kept.tolist()) == ([[q]], [[left]])
    assert kept.dtype == np.int8


@given(weights, weights, residuals, changes)
def test_nothing_overflows_and_nothing_is_past_its_reach(
    x: int, w: int, r: int, change: Change
) -> None:
    assert change.unit is not None
    q, _ = (
        int(it[0])
        for it in with_residual(np.array([x]), np.array([w]), np.array([r]), change)
    )  # fmt: skip
    wanted = w - x + (r << change.unit)
    assert abs(wanted) < 1 << 17
    assert abs(q << change.shift) <= abs(wanted)
    assert q * wanted >= 0
    low, high = sorted((x, w + (r << change.unit)))
    assert low <= x + (q << change.shift) <= high
    assert abs(x + (q << change.shift)) <= change.reach(BOUND) < 1 << 16


@given(weights, weights, changes)
def test_a_number_that_arrived_is_the_same_number_again(x: int, w: int, change: Change) -> None:
    """What stands for a weight that came over a line is shortened once more where it arrives."""
    X, none = np.array([x]), np.array([0])
    q, _ = with_residual(X, np.array([w]), none, change)
    again, left = with_residual(X, X + (q << change.shift), none, change)
    assert (again == q).all()
    assert not left.any()


def test_in_the_end_all_of_a_change_has_gone_up() -> None:
    change, R, arrived = Change(1, 5, unit=0), np.zeros((1, 3), np.int8), np.zeros(3, int)
    moved = np.array([[3, -7, 31]])
    for _ in range(100):
        q, R = with_residual(0 * moved, moved, R, change)
        arrived += q[0] << change.shift
    assert (arrived + R[0] == 100 * moved[0]).all()
    assert (np.abs(R) < 32).all()


def test_what_is_left_has_one_unit_in_all_rounds() -> None:
    changes = Changes((Change(1, 5), Change(127, 9), Change(0)), by_energy=True, residual=True)
    first, last = changes.up(0, -8, -1), changes.up(3, -8, -1)
    assert [change.shift for change in first] == [9, 9, 0]
    assert [change.shift for change in last] == [6, 6, 0]
    # In the round with the smallest update shifts they are larger by 1.
    assert [change.unit for change in first] == [unit_for(10), unit_for(10), None] == [3, 3, None]
    assert [change.unit for change in last] == [3, 3, None]
    assert replace(changes, residual=False).up(0, -8, -1) == changes.at(0, -8)


def test_a_device_keeps_what_is_left_of_each_layer_that_it_trained() -> None:
    X = Parameters(
        np.zeros(2, np.int8),
        (np.zeros((2, 3), np.int16), np.zeros((3, 2), np.int16), np.zeros((2, 2), np.int16)),
        (np.zeros(3, np.int16), np.zeros(2, np.int16), np.zeros(2, np.int16)),
    )
    W = replace(X, weights=tuple(weight + np.int16(20) for weight in X.weights))
    upload = (Change(1, 5, unit=0), Change(0), Change(1, 4, unit=0))
    before = {0: np.full((2, 3), 13, np.int8), 2: np.full((2, 2), 9, np.int8)}
    arguments: dict[str, Any] = {"seed": 1, "device": 2, "exchange": 3, "steps": 4, "number": 5}
    made, left = shortened(X, W, (0, 1), upload, **arguments, residuals=before)
    assert made.weights[0].tolist() == [[32] * 3] * 2
    assert made.weights[1].tolist() == [[20] * 2] * 3
    assert {layer: kept.tolist() for layer, kept in left.items()} == {
        0: [[1] * 3] * 2, 2: [[9] * 2] * 2,
    }  # fmt: skip
    _, left = shortened(X, W, (0,), upload, **arguments)
    assert left[0].tolist() == [[20] * 3] * 2
    assert left.keys() == {0, 2}
    assert not left[2].any()


@pytest.mark.parametrize("values", [(0, 0, 1, 0), (1, 3, 2, 0), (1, 3, 1, 8), (1, 3, 1, -1)])
def test_a_unit_without_short_numbers_of_all_rows_or_out_of_range_is_refused(
    values: tuple[int, int, int, int],
) -> None:
    with pytest.raises(UsageError, match="^unit: "):
        Change(*values)


def test_numbers_that_keep_nothing_have_no_residual() -> None:
    with pytest.raises(ValueError, match="^change: has no unit"):
        with_residual(np.array([0]), np.array([0]), np.array([0]), Change(1, 3))
