"""A float ConvNet becomes an integer one, with constants that samples decide (no labels needed).

Every channel has a scale of its own: ReLU and maximum do not mind, and the next layer's weights
make up for it. So a channel's activations fill 0..127, and the power of two that divides its sums
is free to make its largest weight 64..127.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tifed.errors import UsageError
from tifed.extractor.extraction import extract
from tifed.extractor.extractor import Extractor
from tifed.extractor.float_layers import FloatConvolution, FloatExtractor
from tifed.extractor.layers import (
    LARGEST_SHIFT,
    LARGEST_SUM,
    Convolution,
    Dense,
    FeatureLayer,
    MaxPool,
)
from tifed.rule.network import INPUT_LIMIT

LARGEST = 127
"""Of a weight, and of an activation."""
CALIBRATION_SAMPLES = 512
"""More give no other constants worth the time."""


@dataclass(frozen=True, eq=False)
class QuantisedExtractor:
    """An integer extractor, and what its features mean.

    Attributes:
        extractor: the integers.
        scales: float64 (F,); feature times scale is about the float network's.
    """

    extractor: Extractor
    scales: NDArray[np.float64]


def quantise(
    network: FloatExtractor,
    samples: NDArray[np.int8],
    *,
    clipped: float = 0.001,
    clipped_features: float = 0.001,
    source: str = "",
) -> QuantisedExtractor:
    """Find integer constants for ``network``.

    Args:
        network: float layers.
        samples: int8 (N, D), what activations are measured on; their labels are not looked at.
        clipped: share of a channel's activations that may lie beyond 127.
        clipped_features: the same for the last layer with weights, whose features a head learns
            from: more makes small values larger, and a head learn faster.
        source: see `Extractor`.

    Raises:
        UsageError: if there are no samples, or they or the layers do not fit.
    """
    height, width, channels = network.input_shape
    if samples.ndim != 2 or samples.shape[1] != height * width * channels or not len(samples):
        raise UsageError(
            f"calibration: samples of shape {samples.shape}; the network takes "
            f"{height}x{width}x{channels} = {height * width * channels} values each"
        )
    weighted = [n for n, layer in enumerate(network.layers) if not isinstance(layer, MaxPool)]
    if not weighted:
        raise UsageError("layers: a network without a convolution or a dense layer is no extractor")
    taken = samples[:: max(1, len(samples) // CALIBRATION_SAMPLES)][:CALIBRATION_SAMPLES]
    input_zero = int(np.clip(np.rint(np.mean(network.zero)), -INPUT_LIMIT, INPUT_LIMIT - 1))
    zero, scale = np.array(network.zero), np.array(network.scale)
    limit = INPUT_LIMIT
    layers: list[FeatureLayer] = []
    for number, (layer, planes) in enumerate(zip(network.layers, network.run(taken), strict=True)):
        if isinstance(layer, MaxPool):
            layers.append(layer)
            continue
        share = clipped_features if number == weighted[-1] else clipped
        sizes = np.abs(planes).reshape(-1, planes.shape[3])
        reached = np.quantile(sizes, 1 - share, axis=0)
        reached = np.where(reached > 0, reached, sizes.max(axis=0))
        # Weights for the integers that the layer is given: those of the input keep their zero.
        weights = layer.weights.astype(np.float64)
        shape = weights.shape
        weights = weights.reshape(len(weights), -1, len(scale)) * scale
        bias = layer.bias - (weights * zero).sum(axis=(1, 2))
        constants, scale = _constants(weights.reshape(shape), bias, reached / LARGEST, limit)
        if isinstance(layer, FloatConvolution):
            layers.append(Convolution(*constants, layer.stride, layer.padding, layer.relu))
        else:
            layers.append(Dense(*constants, layer.relu))
        zero, limit = np.zeros(len(scale)), INPUT_LIMIT - 1
    extractor = Extractor(network.input_shape, input_zero, tuple(layers), source)
    return QuantisedExtractor(extractor, np.tile(scale, extractor.features // len(scale)))


def _constants(
    weights: NDArray[np.float64], bias: NDArray[np.float64], wanted: NDArray[np.float64], limit: int
) -> tuple[tuple[NDArray[np.int8], NDArray[np.int32], NDArray[np.uint8]], NDArray[np.float64]]:
    """Integer weights, bias and shifts of a layer, and the scale of each channel's output.

    Args:
        weights: (out, …) for integer inputs.
        bias: (out,).
        wanted: (out,), what a step of the output would best be worth.
        limit: largest magnitude of an input.
    """
    # A channel that no sample moves is left out: 0, and of no weight to the next layer.
    silent = wanted == 0
    weights = np.where(silent.reshape(-1, *[1] * (weights.ndim - 1)), 0, weights)
    bias, wanted = np.where(silent, 0, bias), np.where(silent, 1, wanted)
    largest = np.abs(weights.reshape(len(weights), -1)).max(axis=1)
    largest = np.where(largest > 0, largest, wanted)
    # Weights are divided by the scale and multiplied by 2^shift. Where even a shift of 0 makes one
    # too large, the output's steps have to be worth more.
    scale = np.maximum(wanted, largest / LARGEST)
    shift = np.clip(np.floor(np.log2(LARGEST * scale / largest)), 0, LARGEST_SHIFT)
    while True:
        factor = 2.0**shift / scale
        int_weights = np.rint(weights * factor.reshape(-1, *[1] * (weights.ndim - 1)))
        int_bias = np.rint(bias * factor)
        limits = np.abs(int_weights.reshape(len(weights), -1)).sum(axis=1) * limit
        too_large = limits + np.abs(int_bias) + 2.0**shift > LARGEST_SUM
        if not too_large.any():
            break
        if (too_large & (shift == 0)).any():
            raise UsageError(
                f"bias: {bias[too_large].max()} is too large beside the weights of its channel"
            )
        shift = shift - (too_large & (shift > 0))
    arrays = (
        int_weights.astype(np.int8), int_bias.astype(np.int32), shift.astype(np.uint8)
    )  # fmt: skip
    return arrays, np.where(silent, 0, scale)


def difference(
    network: FloatExtractor, made: QuantisedExtractor, samples: NDArray[np.int8]
) -> float:
    """How far integer features are from float ones: root mean square, as a share of the floats'."""
    floats = network.features(samples).astype(np.float64)
    integers = extract(made.extractor, samples) * made.scales
    return float(np.sqrt(((integers - floats) ** 2).mean() / max(1e-30, (floats**2).mean())))
