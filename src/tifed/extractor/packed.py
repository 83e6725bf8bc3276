"""An extractor's constants as the C core reads them (SPEC, section 13.3)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tifed.extractor.extractor import Extractor
from tifed.extractor.layers import Convolution, Dense, FeatureLayer, MaxPool, Plane, Weighted

FOUR = 4
"""Units of a quad, and inputs of a group."""


@dataclass(frozen=True, eq=False)
class PackedLayer:
    """A layer for C: a dense one is a convolution whose kernel is the whole plane.

    Attributes:
        units: channels that it gives.
        kernel: height and width of a window.
        stride: pixels from one window to the next.
        padding: pixels on each side.
        relu: clamp to 0..127.
        quads: uint32, flat; per four units their biases (with the rounding,
            ``bias + 2**(shift - 1)``), their shifts, and their weights in groups of four inputs;
            empty for max-pooling.
    """

    units: int
    kernel: tuple[int, int]
    stride: int
    padding: int
    relu: bool
    quads: NDArray[np.uint32]


def packed_layers(extractor: Extractor) -> tuple[PackedLayer, ...]:
    """Every layer's constants, first to last."""
    return tuple(map(_packed, extractor.layers, extractor.planes[:-1]))


def constant_bytes(extractor: Extractor) -> int:
    """Bytes of flash that all constants take, paddings included."""
    return sum(layer.quads.nbytes for layer in packed_layers(extractor))


def _packed(layer: FeatureLayer, plane: Plane) -> PackedLayer:
    """One layer's constants; ``plane`` is what it takes."""
    match layer:
        case MaxPool(size=size, stride=stride):
            nothing = np.zeros(0, np.uint32)
            return PackedLayer(plane[2], (size, size), stride, 0, False, nothing)
        case Convolution():
            units, stride, padding = len(layer.weights), layer.stride, layer.padding
            return PackedLayer(units, layer.kernel, stride, padding, layer.relu, _quads(layer))
        case Dense():
            return PackedLayer(len(layer.weights), plane[:2], 1, 0, layer.relu, _quads(layer))


def _quads(layer: Weighted) -> NDArray[np.uint32]:
    """Bias, shift and weights, interleaved by four units."""
    rows = layer.weights.reshape(len(layer.weights), -1)
    spare = -len(rows) % FOUR
    rows = np.pad(rows, ((0, spare), (0, -rows.shape[1] % FOUR)))
    half = (np.int64(1) << layer.shift.astype(np.int64)) >> 1
    bias = np.pad((layer.bias + half).astype("<i4"), (0, spare)).reshape(-1, FOUR)
    shift = np.pad(layer.shift, (0, spare)).reshape(-1, FOUR)
    weights = rows.reshape(len(shift), FOUR, -1, FOUR).transpose(0, 2, 1, 3)
    parts = (bias.view(np.uint8), shift, weights.reshape(len(shift), -1).view(np.uint8))
    return np.concatenate(parts, axis=1).view("<u4").ravel().astype(np.uint32)
