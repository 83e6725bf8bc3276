"""The short number of what changed, at the corners of its ranges."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tifed.errors import UsageError
from tifed.rule.compression import (
    Change,
    quantised,
    rebuilt,
    rounding_key,
    sent_down,
    shortened,
)
from tifed.rule.compression.change import LARGEST_SHIFT
from tifed.rule.integer import Purpose, random32, stream_key
from tifed.rule.network import Parameters

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


def test_updates_are_what_the_specification_says_of_each_weight() -> None:
    """Section 25.1 and 25.2, written out for one weight at a time."""
    random = np.random.default_rng(3)
    bound, seed, device, exchange, steps, number = 32_767, (1 << 63) + 5, 9, 70_000, 25, 4
    shapes = ((7, 3), (3, 2))
    upload = (Change(1, 9, rows=3), Change(127, 2))
    X, W = (
        Parameters(
            np.zeros(7, np.int8),
            tuple(random.integers(-bound, bound + 1, shape).astype(np.int16) for shape in shapes),
            tuple(
                random.integers(-bound, bound + 1, shape[1]).astype(np.int16) for shape in shapes
            ),
        )
        for _ in range(2)
    )
    W.weights[0][:] = np.clip(X.weights[0] + random.integers(-700, 700, (7, 3)), -bound, bound)
    made, _ = shortened(
        X, W, (0, 1), upload, seed=seed, device=device, exchange=exchange, steps=steps,
        number=number,
    )  # fmt: skip
    for layer, (change, (fan_in, fan_out)) in enumerate(zip(upload, shapes, strict=True)):
        key = stream_key(seed, Purpose.ROUNDING, device, exchange, steps, layer)
        for i in range(fan_in):
            for j in range(fan_out):
                p = i * fan_out + j
                r = int(random32(key, p >> 1)) >> 16 * (p % 2) & 0xFFFF
                x, w = int(X.weights[layer][i, j]), int(W.weights[layer][i, j])
                q = (w - x + r % 2**change.shift) // 2**change.shift
                q = max(-change.top, min(change.top, q))
                goes = (i // 2 + device + number) % change.rows == 0
                assert made.weights[layer][i, j] == (x + q * 2**change.shift if goes else 0)
        assert np.array_equal(made.biases[layer], W.biases[layer])


@given(st.integers(-32_767 << 8, 32_767 << 8), weights, changes)
def test_what_goes_down_is_what_the_specification_says(own: int, x: int, change: Change) -> None:
    unit = 1 << change.shift + 8
    q = (own - (x << 8) + unit // 2) // unit
    q = max(-change.top, min(change.top, q))
    while abs(x + (q << change.shift)) > 32_767:
        q -= 1 if q > 0 else -1
    made = sent_down(np.array([[own]]), np.array([[x]], np.int16), change, 8, 32_767)
    assert made.tolist() == [[x + (q << change.shift)]]
    assert made.dtype == np.int16
