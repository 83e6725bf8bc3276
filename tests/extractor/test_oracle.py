"""The oracle against loops over Python's own integers, which never overflow."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tifed.errors import UsageError
from tifed.extractor import Convolution, Dense, Extractor, MaxPool
from tifed.extractor.layers import Weighted
from tifed.extractor.oracle import extract

Pixels = dict[tuple[int, int, int], int]
"""Values by row, column, channel."""


def loops(extractor: Extractor, sample: list[int]) -> list[int]:
    """SPEC 13.1, word by word."""
    height, width, channels = extractor.input_shape
    pixels: Pixels = {
        (y, x, c): sample[(y * width + x) * channels + c]
        for y in range(height)
        for x in range(width)
        for c in range(channels)
    }
    summed = False
    for layer, (height, width, channels), (rows, columns, outputs) in zip(
        extractor.layers, extractor.planes, extractor.planes[1:], strict=False
    ):
        new: Pixels = {}
        for y in range(rows):
            for x in range(columns):
                for o in range(outputs):
                    if isinstance(layer, MaxPool):
                        new[y, x, o] = max(
                            pixels[y * layer.stride + i, x * layer.stride + j, o]
                            for i in range(layer.size)
                            for j in range(layer.size)
                        )
                        continue
                    total = int(layer.bias[o])
                    if isinstance(layer, Dense):
                        for (i, j, c), value in pixels.items():
                            place = (i * width + j) * channels + c
                            total += int(layer.weights[o, place]) * value
                    else:
                        zero = 0 if summed else extractor.input_zero
                        for i in range(layer.kernel[0]):
                            for j in range(layer.kernel[1]):
                                for c in range(channels):
                                    at = (
                                        y * layer.stride + i - layer.padding,
                                        x * layer.stride + j - layer.padding,
                                        c,
                                    )
                                    total += int(layer.weights[o, i, j, c]) * pixels.get(at, zero)
                    new[y, x, o] = rescaled(layer, o, total)
        summed = summed or not isinstance(layer, MaxPool)
        pixels = new
    return [pixels[key] for key in sorted(pixels)]


def rescaled(layer: Weighted, unit: int, total: int) -> int:
    """A unit's output from its sum."""
    shift = int(layer.shift[unit])
    v = total if shift == 0 else (total + (1 << shift - 1)) >> shift
    return max(0 if layer.relu else -127, min(v, 127))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 1 << 40))
def test_oracle_equals_plain_loops(random_extractor: Callable[[int], Extractor], seed: int) -> None:
    extractor = random_extractor(seed)
    rng = np.random.default_rng(seed)
    samples = rng.integers(-128, 128, (2, extractor.input_features)).astype(np.int8)
    wanted = [loops(extractor, sample.tolist()) for sample in samples]
    assert extract(extractor, samples).tolist() == wanted


def test_a_small_extractor_by_hand() -> None:
    """Every value below can be checked on paper."""
    convolution = Convolution(
        np.array([[[[1], [2]], [[3], [4]]]], np.int8),
        np.array([100], np.int32), np.array([2], np.uint8), padding=1,
    )  # fmt: skip
    # Padded with -10: [-10 -10 -10 -10], [-10 1 2 -10], [-10 -3 4 -10], [-10 -10 -10 -10].
    # The sums of products are [-56 -19 -64], [-50 12 -46], [-86 -65 -86]; with bias 100, rounded
    # and divided by 4 they are the following, none of them below 0.
    wanted = [[11, 20, 9], [13, 28, 14], [4, 9, 4]]
    sample = np.array([[1, 2, -3, 4]], np.int8)
    alone = Extractor((2, 2, 1), -10, (convolution,))
    assert extract(alone, sample).tolist() == [[it for row in wanted for it in row]]
    pooled = Extractor((2, 2, 1), -10, (convolution, MaxPool(2, 1)))
    assert extract(pooled, sample).tolist() == [[28, 28, 28, 28]]
    assert extract(Extractor((2, 2, 1), -10, (convolution, MaxPool(2, 2))), sample).tolist() == [
        [28]
    ]


def test_samples_of_another_kind_are_refused() -> None:
    dense = Dense(np.ones((2, 6), np.int8), np.zeros(2, np.int32), np.zeros(2, np.uint8))
    extractor = Extractor((2, 3, 1), 0, (dense,))
    with pytest.raises(UsageError, match="5 values each; the extractor takes 2x3x1 = 6"):
        extract(extractor, np.zeros((1, 5), np.int8))
    with pytest.raises(UsageError, match="int16 .*takes int8 rows"):
        extract(extractor, np.zeros((1, 6), np.int16))
    assert extract(extractor, np.zeros((0, 6), np.int8)).shape == (0, 2)
