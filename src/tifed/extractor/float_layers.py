"""A trained ConvNet before it becomes integers: float32 layers, and running them in NumPy."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from tifed.errors import UsageError
from tifed.extractor.layers import MaxPool, Plane

Floats = NDArray[np.float32]

ROWS = 256
"""Samples run at a time: only bounds the memory."""


@dataclass(frozen=True, eq=False)
class FloatConvolution:
    """Weights float32 (out, kernel_h, kernel_w, in), bias float32 (out,); pads with 0."""

    weights: Floats
    bias: Floats
    stride: int = 1
    padding: int = 0
    relu: bool = False


@dataclass(frozen=True, eq=False)
class FloatDense:
    """Weights float32 (out, in) over the plane in the order height, width, channel; bias (out,)."""

    weights: Floats
    bias: Floats
    relu: bool = False


FloatWeighted = FloatConvolution | FloatDense
FloatLayer = FloatWeighted | MaxPool


@dataclass(frozen=True, eq=False)
class FloatExtractor:
    """A float network as a chain of layers.

    Attributes:
        input_shape: height, width and channels of a sample.
        zero: per channel the int8 value that is 0 to the network, any number.
        scale: per channel what a step of the int8 value is to it: input = (value - zero) * scale.
        layers: first to last.
    """

    input_shape: Plane
    zero: tuple[float, ...]
    scale: tuple[float, ...]
    layers: tuple[FloatLayer, ...]

    def __post_init__(self) -> None:
        channels = self.input_shape[2]
        if len(self.zero) != channels or len(self.scale) != channels:
            raise UsageError(
                f"zero and scale: {len(self.zero)} and {len(self.scale)} values; "
                f"one per channel is {channels}"
            )

    def inputs(self, samples: NDArray[np.int8]) -> Floats:
        """Samples int8 (N, D) as the planes float32 (N, H, W, C) of the first layer."""
        planes: Floats = samples.reshape(len(samples), *self.input_shape).astype(np.float32)
        zero, scale = (np.array(values, np.float32) for values in (self.zero, self.scale))
        inputs: Floats = (planes - zero) * scale
        return inputs

    def run(self, samples: NDArray[np.int8]) -> Iterator[Floats]:
        """What each layer gives, float32 (N, H, W, C), for samples int8 (N, D)."""
        planes = self.inputs(samples)
        for layer in self.layers:
            planes = forward(layer, planes)
            yield planes

    def features(self, samples: NDArray[np.int8]) -> Floats:
        """What the last layer gives, float32 (N, F)."""
        parts = []
        for first in range(0, len(samples), ROWS):
            *_, last = self.run(samples[first : first + ROWS])
            parts.append(last.reshape(len(last), -1))
        return np.concatenate(parts)


def forward(layer: FloatLayer, planes: Floats) -> Floats:
    """Planes (N, H', W', out) of planes (N, H, W, in)."""
    match layer:
        case FloatConvolution():
            side = (layer.padding, layer.padding)
            padded = np.pad(planes, ((0, 0), side, side, (0, 0)))
            kernel = layer.weights.shape[1:3]
            windows = sliding_window_view(padded, kernel, (1, 2))[
                :, :: layer.stride, :: layer.stride
            ]
            # windows (N, H', W', in, kernel_h, kernel_w)
            sums = np.tensordot(windows, layer.weights, ((4, 5, 3), (1, 2, 3))) + layer.bias
        case FloatDense():
            sums = planes.reshape(len(planes), -1) @ layer.weights.T + layer.bias
            sums = sums[:, np.newaxis, np.newaxis, :]
        case MaxPool():
            size = (layer.size, layer.size)
            pools = sliding_window_view(planes, size, (1, 2))[:, :: layer.stride, :: layer.stride]
            largest: Floats = pools.max(axis=(4, 5))
            return largest
    result: Floats = np.maximum(sums, np.float32(0)) if layer.relu else sums
    return result
