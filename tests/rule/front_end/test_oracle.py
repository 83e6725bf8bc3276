"""Front ends, pixel by pixel as SPEC 14 says, and on real pictures."""

import functools
import hashlib
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tifed.data import load
from tifed.errors import UsageError
from tifed.rule.front_end import EDGE_FRONT_ENDS, FrontEnd, features

GREY = FrontEnd("edges", (6, 6, 1))


def root_of(cell: int, around: int) -> int:
    """Steps 5 and 6."""
    level = min(cell * (32768 // (around // 8 + 16)) // 256, 255)
    return round(math.sqrt(255 * level))


def by_hand(front_end: FrontEnd, sample: list[int]) -> list[int]:
    """SPEC 14.2, one number at a time."""
    height, width, channels = front_end.input_shape
    count = front_end.parts.directions

    def pixel(y: int, x: int) -> int:
        if not (0 <= y < height and 0 <= x < width):
            return 0
        at = (y * width + x) * channels
        colours = [value + 128 for value in sample[at : at + channels]]
        return (colours[0] + 2 * colours[1] + colours[2]) // 4 if channels == 3 else colours[0]

    def direction(y: int, x: int, k: int) -> int:
        if not (0 <= y < height and 0 <= x < width):
            return 0
        gx, gy = pixel(y, x + 1) - pixel(y, x - 1), pixel(y + 1, x) - pixel(y - 1, x)
        if count == 4:
            return max((gx, -gx, gy, -gy)[k], 0)
        n, right, down = min(abs(gx), abs(gy)), gx >= 0, gy >= 0
        if k < 4:
            more = abs(gx) - n if k < 2 else abs(gy) - n
            return more if (right, not right, down, not down)[k] else 0
        return n + n // 2 if (right, down) == ((1, 1), (0, 0), (1, 0), (0, 1))[k - 4] else 0

    rows, columns = math.ceil(height / 2), math.ceil(width / 2)

    def cell(i: int, j: int, k: int) -> int:
        if not (0 <= i < rows and 0 <= j < columns):
            return 0
        total = 0
        for a in (-1, 0, 1):
            for b in (-1, 0, 1):
                total += (2 - abs(a)) * (2 - abs(b)) * direction(2 * i + a, 2 * j + b, k)
        return total // 8

    cells = {
        (i, j, k): cell(i, j, k)
        for i in range(-1, rows + 1)
        for j in range(-1, columns + 1)
        for k in range(count)
    }

    def root(i: int, j: int, k: int) -> int:
        around = sum(
            cells[a, b, d]
            for a in range(i - 1, i + 2)
            for b in range(j - 1, j + 2)
            for d in range(count)
        )
        return root_of(cells[i, j, k], around)

    out_rows, out_columns, _ = front_end.output_shape
    if not front_end.parts.merged:
        return [
            root(i, j, k) - 128
            for i in range(out_rows)
            for j in range(out_columns)
            for k in range(count)
        ]
    found = []
    second = changes_by_hand(rows, columns, root) if front_end.parts.second_order else None
    for i in range(out_rows):
        for j in range(out_columns):
            for k in range(count):
                four = [
                    root(min(2 * i + a, rows - 1), min(2 * j + b, columns - 1), k)
                    for a in (0, 1)
                    for b in (0, 1)
                ]
                found.append(sum(four) // 4 - 128)
            if second:
                found += [value - 128 for value in second[i, j]]
    return found


def changes_by_hand(
    rows: int, columns: int, root: Callable[[int, int, int], int]
) -> dict[tuple[int, int], list[int]]:
    """Step 8, of the square roots of directions: the eight values of each block."""

    @functools.cache
    def orientation(i: int, j: int, o: int) -> int:
        if not (0 <= i < rows and 0 <= j < columns):
            return 0
        return max(root(i, j, 2 * o), root(i, j, 2 * o + 1))

    def change(i: int, j: int, k: int) -> int:
        if not (0 <= i < rows and 0 <= j < columns):
            return 0
        a, b = (1, 0) if k % 2 else (0, 1)
        return abs(orientation(i + a, j + b, k // 2) - orientation(i - a, j - b, k // 2))

    out_rows, out_columns = math.ceil(rows / 2), math.ceil(columns / 2)
    cells = {
        (i, j, k): sum(
            (2 - abs(a)) * (2 - abs(b)) * change(2 * i + a, 2 * j + b, k)
            for a in (-1, 0, 1)
            for b in (-1, 0, 1)
        )
        // 8
        for i in range(out_rows)
        for j in range(out_columns)
        for k in range(8)
    }
    around = {
        (i, j): sum(cells.get((a, b, k), 0) for a in near(i) for b in near(j) for k in range(8))
        for i in range(out_rows)
        for j in range(out_columns)
    }
    return {
        (i, j): [root_of(cells[i, j, k], energy) for k in range(8)]
        for (i, j), energy in around.items()
    }


def near(place: int) -> range:
    """It and its two neighbours."""
    return range(place - 1, place + 2)


@pytest.mark.slow(5)
@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(list(EDGE_FRONT_ENDS)),
    height=st.integers(4, 9),
    width=st.integers(4, 9),
    channels=st.sampled_from([1, 3]),
    seed=st.integers(0, 1 << 32),
)
def test_every_feature_is_what_the_specification_says(
    name: str, height: int, width: int, channels: int, seed: int
) -> None:
    front_end = FrontEnd(name, (height, width, channels))
    rng = np.random.default_rng(seed)
    samples = rng.integers(-128, 128, (2, front_end.input_features)).astype(np.int8)
    samples[1] = rng.choice([-128, 127], samples.shape[1])
    wanted = [by_hand(front_end, sample) for sample in samples.tolist()]
    assert features(front_end, samples).tolist() == wanted


def test_a_black_picture_has_no_edges() -> None:
    for name in EDGE_FRONT_ENDS:
        front_end = FrontEnd(name, (7, 10, 3))
        samples = np.full((2, 210), -128, np.int8)
        assert (features(front_end, samples) == -128).all()


def test_a_bright_picture_has_edges_where_it_ends() -> None:
    found = features(FrontEnd("edges", (16, 16, 1)), np.full((1, 256), 127, np.int8))
    cells = found.reshape(8, 8, 4).astype(int) + 128
    assert (cells[1:7, 1:7] == 0).all()
    assert (cells[2:6, 0, 0] > 0).all(), "brighter to the right at the left border"
    assert (cells[2:6, 7, 1] > 0).all()
    assert (cells[0, 2:6, 2] > 0).all()
    assert (cells[7, 2:6, 3] > 0).all()
    assert (cells > 0).sum() < 8 * 8


def test_the_directions_of_second_order_are_those_of_octants() -> None:
    samples = np.random.default_rng(4).integers(-128, 128, (3, 11 * 6)).astype(np.int8)
    both = features(FrontEnd("octants-second-order", (11, 6, 1)), samples).reshape(3, 3, 2, 16)
    octants = features(FrontEnd("octants", (11, 6, 1)), samples).reshape(3, 3, 2, 8)
    np.testing.assert_array_equal(both[..., :8], octants)


def test_grey_in_three_channels_is_grey() -> None:
    grey = np.random.default_rng(3).integers(-128, 128, (4, 35)).astype(np.int8)
    for name in EDGE_FRONT_ENDS:
        coloured = features(FrontEnd(name, (5, 7, 3)), np.repeat(grey, 3, axis=1))
        np.testing.assert_array_equal(coloured, features(FrontEnd(name, (5, 7, 1)), grey))


@pytest.mark.parametrize(
    ("name", "shape", "sha256"),
    [
        ("edges", (14, 14, 4), "360f61af7d551c43"),
        ("edges-small", (7, 7, 4), "d24c159c23e07a8a"),
        ("octants", (7, 7, 8), "dd7220ca05fdfefe"),
        ("octants-second-order", (7, 7, 16), "434a697c38ec847e"),
    ],
)
def test_features_of_fashion_mnist(name: str, shape: tuple[int, int, int], sha256: str) -> None:
    samples = fashion_mnist()
    front_end = FrontEnd(name, (28, 28, 1))
    assert front_end.output_shape == shape
    found = features(front_end, samples)
    assert hashlib.sha256(found.tobytes()).hexdigest()[:16] == sha256


def fashion_mnist() -> NDArray[np.int8]:
    """The 10,000 test pictures; the test is skipped where they are not at hand."""
    try:
        return load("fashion-mnist").test.features
    except UsageError as error:
        pytest.skip(str(error))


def test_wrong_samples_are_refused() -> None:
    with pytest.raises(UsageError, match=r"samples: 35 values each; the front end 'edges' takes "):
        features(GREY, np.zeros((1, 35), np.int8))
    with pytest.raises(UsageError, match=r"samples: uint8 \(1, 36\); a front end takes int8 rows"):
        features(GREY, np.zeros((1, 36), np.uint8))
