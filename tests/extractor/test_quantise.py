"""Float layers become integers that stay close to them, whatever their sizes."""

from dataclasses import replace

import numpy as np
import pytest

from tifed.errors import UsageError
from tifed.extractor import Convolution, Dense, MaxPool
from tifed.extractor.float_layers import FloatConvolution, FloatDense, FloatExtractor
from tifed.extractor.oracle import extract
from tifed.extractor.quantise import difference, quantise

RANDOM = np.random.default_rng(7)
SAMPLES = RANDOM.integers(-128, 128, (300, 8 * 7 * 2)).astype(np.int8)


def convolution(out: int, given: int, padding: int = 1, relu: bool = True) -> FloatConvolution:
    weights = RANDOM.normal(size=(out, 3, 3, given)) / (3 * given**0.5)
    bias = RANDOM.normal(size=out) / 4
    return FloatConvolution(weights.astype(np.float32), bias.astype(np.float32), 1, padding, relu)


def network(*layers: FloatConvolution | FloatDense | MaxPool, zero: float = -128) -> FloatExtractor:
    return FloatExtractor((8, 7, 2), (zero, zero), (1 / 255, 1 / 255), layers)


def test_integer_features_are_close_to_the_float_ones() -> None:
    dense = FloatDense(
        (RANDOM.normal(size=(12, 4 * 3 * 8)) / 10).astype(np.float32),
        RANDOM.normal(size=12).astype(np.float32),
    )
    net = network(convolution(6, 2), MaxPool(2, 2), convolution(8, 6), dense)
    made = quantise(net, SAMPLES, clipped_features=0.001)
    assert difference(net, made, SAMPLES) < 0.03
    kinds = [type(layer) for layer in made.extractor.layers]
    assert kinds == [Convolution, MaxPool, Convolution, Dense]
    assert (made.extractor.input_zero, made.extractor.features) == (-128, 12)
    for layer in made.extractor.layers:
        if not isinstance(layer, MaxPool):
            largest = np.abs(layer.weights.reshape(len(layer.weights), -1).astype(int)).max(axis=1)
            assert largest.min() >= 63  # no bit of a weight is wasted
    assert extract(made.extractor, SAMPLES).max() == 127


def test_the_padding_of_the_first_convolution_is_the_inputs_zero() -> None:
    weights = np.ones((1, 3, 3, 2), np.float32)
    net = network(FloatConvolution(weights, np.zeros(1, np.float32), 1, 1, relu=True))
    black = np.full((1, 8 * 7 * 2), -128, np.int8)
    made = quantise(net, SAMPLES)
    assert extract(made.extractor, black).tolist() == [[0] * 56]  # the border included
    white = extract(made.extractor, np.full((1, 8 * 7 * 2), 127, np.int8)) * made.scales
    floats = net.features(np.full((1, 8 * 7 * 2), 127, np.int8))
    corner = floats[0, 0]
    assert corner == pytest.approx(8)
    assert white[0, 0] == pytest.approx(corner, rel=0.02)


def test_zeros_and_scales_of_each_channel_are_taken_into_account() -> None:
    net = replace(
        network(convolution(4, 2, padding=0)), zero=(-100.0, 30.0), scale=(1 / 80, 1 / 20)
    )
    made = quantise(net, SAMPLES, clipped_features=0.0)
    assert difference(net, made, SAMPLES) < 0.03


def test_channels_of_very_different_sizes_and_silent_ones() -> None:
    first = convolution(5, 2)
    gains = np.array([1e-6, 1, 1e5, 0, 1], np.float32)
    weights, bias = first.weights * gains[:, None, None, None], first.bias * gains
    bias[4] = -1e4  # never above 0
    second = convolution(3, 5)
    taken = (second.weights / np.where(gains > 0, gains, 1)).astype(np.float32)
    net = network(replace(first, weights=weights, bias=bias), replace(second, weights=taken))
    made = quantise(net, SAMPLES, clipped_features=0.0)
    assert difference(net, made, SAMPLES) < 0.05


def test_a_layer_without_relu_keeps_its_signs() -> None:
    net = network(convolution(4, 2, relu=False))
    made = quantise(net, SAMPLES)
    features = extract(made.extractor, SAMPLES)
    assert features.min() == -127
    assert difference(net, made, SAMPLES) < 0.05


def test_what_cannot_be_quantised_is_refused() -> None:
    net = network(convolution(4, 2))
    with pytest.raises(UsageError, match=r"calibration: .*\(3, 5\); .*8x7x2 = 112"):
        quantise(net, np.zeros((3, 5), np.int8))
    with pytest.raises(UsageError, match="without a convolution or a dense layer"):
        quantise(network(MaxPool(2, 2)), SAMPLES)
    with pytest.raises(UsageError, match="one per channel is 2"):
        FloatExtractor((8, 7, 2), (0.0,), (1.0,), ())
