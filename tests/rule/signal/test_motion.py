"""The motion front end's oracle against plain loops, its bounds, and what it refuses."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tifed.errors import UsageError
from tifed.rule.signal.motion import MotionFrontEnd
from tifed.rule.signal.motion_oracle import logarithm, square_root


def limited(value: int) -> int:
    return max(-127, min(127, value))


def scaled(away: int, deviation: int) -> int:
    size = min(127, min(abs(away), 3 * deviation) * ((48 << 22) // deviation) >> 22)
    return -size if away < 0 else size


def log(value: int) -> int:
    v = max(value, 1)
    e = v.bit_length() - 1
    return 16 * e + (v << 4 - e if e < 4 else v >> e - 4) - 16


def by_loops(window: list[list[int]]) -> list[int]:
    """Section 18.2 of SPEC, one number after the other, from readings [time][axis]."""
    axes = [list(axis) for axis in zip(*window, strict=True)]
    lengths = [
        [2 * math.isqrt(sum((x >> 2) ** 2 for x in v)) for v in zip(*axes[i : i + 3], strict=True)]
        for i in range(0, len(axes) - 2, 3)
    ]
    rows: list[list[int]] = [[] for _ in range(9)]
    z, w, times = [], [], len(window)
    for x in axes + lengths:
        m = sum(x) // times
        s = (sum(abs(it - m) for it in x) << 4) // times
        c = (sum(abs(b - a) for a, b in pairwise(x)) << 4) // (times - 1)
        b = sorted(sum(x[8 * i : 8 * i + 8]) >> 3 for i in range(times // 8))
        z.append([scaled(it - m, max(s >> 4, 8)) for it in x])
        rows[0].append(m >> 6)
        for row, place in ((1, len(b) // 10), (2, len(b) // 2), (3, 9 * len(b) // 10)):
            rows[row].append(b[place] >> 6)
        rows[4].append(2 * log(s) - 400)
        rows[5].append(2 * log(c) - 392)
        rows[6].append(512 * sum(it > 48 for it in z[-1]) // times - 100)
        rows[7].append(512 * sum(it < -48 for it in z[-1]) // times - 100)
        rows[8].append(sum(it * abs(it) for it in z[-1]) // (16 * times))
    for x in axes:
        u = [x[4 * t + 4] - x[4 * t] for t in range(times // 4 - 1)]
        w.append([scaled(it, max(sum(map(abs, u)) // len(u), 4)) for it in u])
    pairs = [(i, j) for i in range(len(axes)) for j in range(i + 1, len(axes))]

    def dot(a: list[int], b: list[int]) -> int:
        return sum(p * q for p, q in zip(a, b, strict=False))

    together = [dot(z[i], z[j]) // (40 * times) for i, j in pairs]
    lead = [(dot(z[i], z[j][8:]) - dot(z[j], z[i][8:])) // (32 * (times - 8)) for i, j in pairs]
    changes = [dot(w[i], w[j]) // (40 * len(w[i])) for i, j in pairs]
    return [limited(it) for row in (*rows, together, lead, changes) for it in row]


@settings(max_examples=60, deadline=None)
@given(
    axes=st.integers(1, 12), window=st.integers(16, 256), kind=st.integers(0, 3),
    seed=st.integers(0, 1 << 32),
)  # fmt: skip
def test_the_oracle_is_the_text_of_the_specification(
    axes: int, window: int, kind: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    readings = (
        rng.integers(-32768, 32768, (window, axes)),
        rng.choice([-32768, 32767], (window, axes)),
        rng.integers(-20, 21, (window, axes)) - 3000,
        np.cumsum(rng.integers(-300, 301, (window, axes)), axis=0),
    )[kind].astype(np.int16)
    front_end = MotionFrontEnd(axes, window)
    found = front_end.compute(readings)
    assert found.tolist() == by_loops(readings.tolist())
    assert len(found) == front_end.features == len(set(front_end.feature_names))


@pytest.mark.parametrize("axes", [1, 3, 12])
@pytest.mark.parametrize("window", [16, 100, 256])
def test_every_range_fits_its_type(axes: int, window: int) -> None:
    assert all(row.fits for row in MotionFrontEnd(axes, window).ranges())


def test_square_roots_and_logarithms_at_their_edges() -> None:
    squares = np.array([0, 1, 3, 4, 201_326_592, 14_188**2, 14_188**2 - 1, (1 << 28) - 1])
    assert square_root(squares).tolist() == [math.isqrt(it) for it in squares.tolist()]
    values = np.array([0, 1, 2, 3, 15, 16, 17, 1_048_560])
    assert logarithm(values).tolist() == [log(it) for it in values.tolist()]


def test_a_mirrored_movement_is_the_same_on_the_other_side() -> None:
    front_end = MotionFrontEnd(3, 32, mirrored=(0, 2))
    right = np.random.default_rng(1).integers(-9000, 9000, (32, 3)).astype(np.int16)
    left = right * np.array([-1, 1, -1], np.int16)
    np.testing.assert_array_equal(
        front_end.compute(front_end.mirror(left)), front_end.compute(right)
    )
    assert front_end.mirror(np.full((1, 3), -32768, np.int16)).tolist() == [[32767, -32768, 32767]]


def test_the_digest_is_of_what_decides_a_feature() -> None:
    one = MotionFrontEnd(6, 128, (5, 0), hop=50)
    assert one.description == "tifed-motion/1\naxes 6 window 128 mirrored 0,5\n"
    same = MotionFrontEnd(6, 128, (0, 5), tuple("abcdef"), (1.0,) * 6, 10)
    others = [MotionFrontEnd(6, 128), MotionFrontEnd(6, 100, (0, 5))]
    assert same.digest == one.digest
    assert one.digest not in {other.digest for other in others}
    assert same.feature_names[0] == "mean(a)"
    assert same.feature_names[-1] == "changes(e, f)"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"axes": 0}, "axes: 0 is not in 1..12"),
        ({"axes": 13}, "axes: 13"),
        ({"window": 15}, "window: 15"),
        ({"window": 257}, "window: 257"),
        ({"mirrored": (3,)}, "mirrored"),
        ({"hop": -1}, "hop"),
        ({"axis_names": ("x",)}, "axis_names: 1 for 3 axes"),
        ({"scale": (1.0, 2.0)}, "scale: 2 for 3 axes"),
    ],
)
def test_what_is_out_of_range_is_refused(given: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        MotionFrontEnd(**({"axes": 3, "window": 32} | given))  # type: ignore[arg-type]


def test_readings_of_another_type_or_shape_are_refused() -> None:
    front_end = MotionFrontEnd(2, 16)
    for readings in (np.zeros((16, 2), np.int32), np.zeros((15, 2), np.int16)):
        with pytest.raises(UsageError, match="takes int16 windows of 16 times and 2 axes"):
            front_end.compute(readings)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"one window is \(times, axes\)"):
        front_end.compute(np.zeros((1, 16, 2), np.int16))
