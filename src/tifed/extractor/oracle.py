"""Feature extraction, executable: the reference every other implementation equals bit for bit.

Written to be read, in int64, and never made faster (SPEC, section 13).
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from tifed.errors import UsageError
from tifed.extractor.extractor import Extractor
from tifed.extractor.layers import Convolution, Dense, MaxPool, Weighted
from tifed.rule.integer.rounding import Integers

BLOCK = 128
"""Samples at a time: only bounds the memory."""


def extract(extractor: Extractor, samples: NDArray[np.int8]) -> NDArray[np.int8]:
    """Features int8 (N, F) of samples int8 (N, D), flattened by height, width, channel.

    Raises:
        UsageError: if the samples have another type or length.
    """
    check_samples(extractor, samples)
    features = np.empty((len(samples), extractor.features), np.int8)
    for first in range(0, len(samples), BLOCK):
        block = samples[first : first + BLOCK]
        planes = block.astype(np.int64).reshape(len(block), *extractor.input_shape)
        for number, layer in enumerate(extractor.layers):
            match layer:
                case Convolution():
                    planes = _convolved(layer, planes, extractor.zeros[number])
                case MaxPool():
                    windows = _windows(planes, (layer.size, layer.size), layer.stride)
                    planes = windows.max(axis=(3, 4))
                case Dense():
                    rows = planes.reshape(len(block), -1)
                    planes = _rescaled(layer, rows @ layer.weights.T.astype(np.int64))
                    planes = planes[:, np.newaxis, np.newaxis, :]
        features[first : first + BLOCK] = planes.reshape(len(block), -1)
    return features


def check_samples(extractor: Extractor, samples: NDArray[np.int8]) -> None:
    """Make sure that ``samples`` are rows that ``extractor`` takes.

    Raises:
        UsageError: if not.
    """
    if samples.ndim != 2 or samples.dtype != np.int8:
        raise UsageError(f"samples: {samples.dtype} {samples.shape}; the extractor takes int8 rows")
    if samples.shape[1] != extractor.input_features:
        height, width, channels = extractor.input_shape
        raise UsageError(
            f"samples: {samples.shape[1]} values each; the extractor takes "
            f"{height}x{width}x{channels} = {extractor.input_features}"
        )


def _convolved(layer: Convolution, planes: Integers, zero: int) -> Integers:
    """Planes (N, H', W', out) of planes (N, H, W, in)."""
    sides = ((0, 0), (layer.padding, layer.padding), (layer.padding, layer.padding), (0, 0))
    padded = np.pad(planes, sides, constant_values=zero)
    windows = _windows(padded, layer.kernel, layer.stride)  # (N, H', W', kernel_h, kernel_w, in)
    weights = layer.weights.astype(np.int64)
    return _rescaled(layer, np.tensordot(windows, weights, ((3, 4, 5), (1, 2, 3))))


def _windows(planes: Integers, kernel: tuple[int, int], stride: int) -> Integers:
    """Windows (N, H', W', kernel_h, kernel_w, channels) of planes (N, H, W, channels)."""
    windows: Integers = sliding_window_view(planes, kernel, (1, 2))[:, ::stride, ::stride]
    return np.moveaxis(windows, 3, -1)


def _rescaled(layer: Weighted, products: Integers) -> Integers:
    """Outputs (…, out) from sums of products (…, out)."""
    shift = layer.shift.astype(np.int64)
    half = (np.int64(1) << shift) >> 1
    v = (products + layer.bias + half) >> shift
    outputs: Integers = np.clip(v, 0 if layer.relu else -127, 127)
    return outputs
