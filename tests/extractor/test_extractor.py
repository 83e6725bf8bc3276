"""What an extractor accepts, what it proves, and its digest."""

import hashlib
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tifed.errors import UsageError
from tifed.extractor import Convolution, Dense, Extractor, MaxPool
from tifed.extractor.layers import LARGEST_SUM, sum_limits
from tifed.extractor.oracle import extract


def dense(weights: list[list[int]], bias: int = 0, shift: int = 0, relu: bool = True) -> Dense:
    outputs = len(weights)
    return Dense(
        np.array(weights, np.int8),
        np.full(outputs, bias, np.int32),
        np.full(outputs, shift, np.uint8),
        relu,
    )


def convolution(*shape: int, stride: int = 1, padding: int = 0) -> Convolution:
    bias, shift = np.zeros(shape[0], np.int32), np.zeros(shape[0], np.uint8)
    return Convolution(np.ones(shape, np.int8), bias, shift, stride, padding)


@settings(max_examples=100, deadline=None)
@given(
    weights=st.lists(st.integers(-128, 127), min_size=1, max_size=30),
    shift=st.integers(0, 24),
    sign=st.sampled_from([-1, 1]),
)
def test_the_largest_bias_that_cannot_overflow_is_taken_and_no_larger(
    weights: list[int], shift: int, sign: int
) -> None:
    room = LARGEST_SUM - 128 * sum(map(abs, weights)) - ((1 << shift) >> 1)
    layer = dense([weights], sign * room, shift, relu=False)
    assert sum_limits(layer, 128).tolist() == [LARGEST_SUM]
    extractor = Extractor((1, 1, len(weights)), 0, (layer,))
    # The samples that drive the sum furthest, in the order that lets partial sums go furthest.
    signs = np.sign(np.array(weights, np.int64))
    for direction in (-1, 1):
        sample = np.where(signs * direction > 0, 127, -128).astype(np.int8)
        products = sample.astype(np.int64) * np.array(weights)
        half = (1 << shift) >> 1
        for order in (np.argsort(products), np.argsort(-products)):
            partial = sign * room + half + np.cumsum(products[order])
            assert np.abs(partial).max() <= LARGEST_SUM
        v = (sign * room + half + int(products.sum())) >> shift
        assert extract(extractor, sample[np.newaxis]).tolist() == [[max(-127, min(v, 127))]]
    if room == LARGEST_SUM:  # one more does not even fit its type
        return
    with pytest.raises(UsageError, match=r"layers\[0\]\.bias: the sum of unit 0 can reach"):
        Extractor((1, 1, len(weights)), 0, (dense([weights], sign * (room + 1), shift),))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1 << 40))
def test_every_unit_of_an_extractor_is_inside_its_range(
    random_extractor: Callable[[int], Extractor], seed: int
) -> None:
    extractor = random_extractor(seed)
    for layer, limit in zip(extractor.layers, extractor.input_limits, strict=True):
        if not isinstance(layer, MaxPool):
            assert sum_limits(layer, limit).max() <= LARGEST_SUM
    samples = np.tile(np.array([[-128], [127]], np.int8), (1, extractor.input_features))
    features = extract(extractor, samples)
    assert features.shape == (2, extractor.features)
    assert np.abs(features.astype(int)).max() <= 127


def test_behind_the_first_sums_inputs_are_smaller() -> None:
    """127·127·n fits where 128·127·n would not: the proof knows what a layer is given."""
    first = dense([[1]] * 4)
    room = LARGEST_SUM - 127 * 127 * 4
    second = dense([[127] * 4], room)
    assert Extractor((1, 1, 1), 0, (first, second)).input_limits == (128, 127)
    with pytest.raises(UsageError, match=r"layers\[0\]\.bias"):
        Extractor((1, 1, 4), 0, (second,))


def test_shapes_follow_from_layers() -> None:
    extractor = Extractor(
        (28, 28, 1), -128,
        (convolution(8, 3, 3, 1, padding=1), MaxPool(2, 2), convolution(16, 3, 3, 8, stride=2),
         MaxPool(2, 2), dense([[1] * 144] * 10)),
    )  # fmt: skip
    assert extractor.planes == (
        (28, 28, 1), (28, 28, 8), (14, 14, 8), (6, 6, 16), (3, 3, 16), (1, 1, 10),
    )  # fmt: skip
    assert (extractor.input_features, extractor.features) == (784, 10)
    assert extractor.zeros == (-128, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ((), "layers: an extractor needs a convolution or a dense layer"),
        ((MaxPool(2, 2),), "layers: an extractor needs a convolution or a dense layer"),
        ((convolution(2, 3, 3, 2),), r"layers\[0\]\.weights: for 2 channels, but it is given 1"),
        ((convolution(2, 5, 3, 1),), r"\[0\]\.weights: a kernel of 5x3 does not fit into 4x4"),
        ((MaxPool(5, 1), dense([[1]])), r"layers\[0\]\.size: 5 does not fit into 4x4"),
        ((convolution(2, 3, 3, 1), dense([[1] * 7])), r"\[1\]\.weights: for 7 .* 2x2x2 = 8"),
        ((MaxPool(1, 1),) * 33, "layers: 33; at most 32"),
    ],
)
def test_layers_that_do_not_fit_are_named(
    layers: tuple[Convolution | MaxPool | Dense, ...], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        Extractor((4, 4, 1), 0, layers)


def test_inputs_out_of_range_are_named() -> None:
    with pytest.raises(UsageError, match="input_zero: 128 is not in -128..127"):
        Extractor((4, 4, 1), 128, (convolution(1, 1, 1, 1),))
    with pytest.raises(UsageError, match="input_shape: .*each in 1..4096"):
        Extractor((4, 0, 1), 0, (convolution(1, 1, 1, 1),))
    with pytest.raises(UsageError, match=r"weights: 4097 outputs; at most 4096"):
        Extractor((1, 1, 1), 0, (dense([[1]] * 4097),))


def test_arrays_of_another_kind_are_named() -> None:
    bias, shift = np.zeros(2, np.int32), np.zeros(2, np.uint8)
    with pytest.raises(UsageError, match="weights: int16; it has to be an array of int8"):
        Dense(np.ones((2, 3), np.int16), bias, shift)
    with pytest.raises(UsageError, match=r"weights: shape \(2, 3\).*\(out, height, width, in\)"):
        Convolution(np.ones((2, 3), np.int8), bias, shift)
    with pytest.raises(UsageError, match=r"bias: shape \(2,\); one per output is \(3,\)"):
        Dense(np.ones((3, 3), np.int8), bias, shift)
    with pytest.raises(UsageError, match=r"shift: 25 is not in 0\.\.24"):
        Dense(np.ones((2, 3), np.int8), bias, np.array([0, 25], np.uint8))
    with pytest.raises(UsageError, match=r"padding: 2 is not in 0\.\.1"):
        convolution(1, 3, 2, 1, padding=2)
    with pytest.raises(UsageError, match="stride: 0 is not in"):
        convolution(1, 3, 2, 1, stride=0)
    with pytest.raises(UsageError, match="size: 0 is not in"):
        MaxPool(0, 1)


def test_constants_cannot_be_changed_behind_its_back() -> None:
    weights = np.ones((1, 2), np.int8)
    layer = Dense(weights, np.zeros(1, np.int32), np.zeros(1, np.uint8))
    weights[:] = 5
    assert layer.weights.tolist() == [[1, 1]]
    with pytest.raises(ValueError, match="read-only"):
        layer.weights[:] = 5


def test_the_digest_is_that_of_the_specification() -> None:
    first = convolution(2, 1, 2, 1, stride=2)
    extractor = Extractor((3, 4, 1), -5, (first, MaxPool(1, 2), dense([[3] * 2], -1, 2)), "digits")
    text = b"tifed-extractor/1\ninput 3x4x1 zero -5\n"
    text += b"layer.0 convolution stride 2 padding 0 relu 1\n"
    text += b"layer.0.weight int8 2x1x2x1\n\1\1\1\1"
    text += b"layer.0.bias int32 2\n" + bytes(8) + b"layer.0.shift uint8 2\n" + bytes(2)
    text += b"layer.1 max-pool size 1 stride 2\nlayer.2 dense relu 1\n"
    text += b"layer.2.weight int8 1x2\n\3\3layer.2.bias int32 1\n\xff\xff\xff\xff"
    text += b"layer.2.shift uint8 1\n\2"
    assert extractor.digest == hashlib.sha256(text).hexdigest()
    assert extractor == Extractor((3, 4, 1), -5, extractor.layers, "letters")
    assert extractor != Extractor((3, 4, 1), -4, extractor.layers, "digits")
