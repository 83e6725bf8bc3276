"""A frozen integer ConvNet that turns samples into the features a network learns from."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tifed.errors import UsageError
from tifed.extractor.layers import (
    LARGEST_PLANE,
    LARGEST_SIDE,
    Convolution,
    Dense,
    FeatureLayer,
    MaxPool,
    Plane,
    check_sums,
)
from tifed.rule.network import INPUT_LIMIT

DIGEST_HEADER = b"tifed-extractor/1\n"
MOST_LAYERS = 32


@dataclass(frozen=True, eq=False)
class Extractor:
    """Layers that are evaluated on a device but never trained there (SPEC, section 13).

    A sample is a row of int8 values in the order height, width, channel; so are the features.
    Extractors are equal if their digests are.

    Attributes:
        input_shape: height, width and channels of a sample.
        input_zero: the int8 value that stands for 0 in a sample (-128 where a pixel's 0 is -128);
            the first convolution pads with it, later ones pad with 0.
        layers: first to last; at least one with weights.
        source: a sentence on what the extractor was trained on; not part of the digest.

    Raises:
        UsageError: if the layers do not fit together or a sum could leave 32 bits.
    """

    input_shape: Plane
    input_zero: int
    layers: tuple[FeatureLayer, ...]
    source: str = ""

    def __post_init__(self) -> None:
        shape = tuple(int(side) for side in self.input_shape)
        object.__setattr__(self, "input_shape", shape)
        object.__setattr__(self, "layers", tuple(self.layers))
        if len(shape) != 3 or not all(1 <= side <= LARGEST_SIDE for side in shape):
            raise UsageError(
                f"input_shape: {shape}; it has to be (height, width, channels), "
                f"each in 1..{LARGEST_SIDE}"
            )
        if np.prod(shape) > LARGEST_PLANE:
            raise UsageError(f"input_shape: {shape} is more than {LARGEST_PLANE:,} values")
        if not -INPUT_LIMIT <= self.input_zero < INPUT_LIMIT:
            raise UsageError(f"input_zero: {self.input_zero} is not in -128..127")
        if len(self.layers) > MOST_LAYERS:
            raise UsageError(f"layers: {len(self.layers)}; at most {MOST_LAYERS}")
        if all(isinstance(layer, MaxPool) for layer in self.layers):
            raise UsageError("layers: an extractor needs a convolution or a dense layer")
        planes, limit = [self.input_shape], INPUT_LIMIT
        for number, layer in enumerate(self.layers):
            try:
                planes.append(layer.output(planes[-1]))
                if planes[-1][2] > LARGEST_SIDE:
                    raise UsageError(f"weights: {planes[-1][2]} outputs; at most {LARGEST_SIDE}")
                if np.prod(planes[-1]) > LARGEST_PLANE:
                    raise UsageError(
                        f"weights: a plane of {planes[-1]} has more than {LARGEST_PLANE:,} values"
                    )
                if not isinstance(layer, MaxPool):
                    check_sums(layer, limit)
                    limit = INPUT_LIMIT - 1
            except UsageError as error:
                raise UsageError(f"layers[{number}].{error}") from error

    def __eq__(self, other: object) -> bool:
        """Equal in every constant."""
        return isinstance(other, Extractor) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    @cached_property
    def planes(self) -> tuple[Plane, ...]:
        """Height, width and channels of the sample, then of what each layer gives."""
        planes = [self.input_shape]
        for layer in self.layers:
            planes.append(layer.output(planes[-1]))
        return tuple(planes)

    @property
    def input_features(self) -> int:
        """Length of a sample."""
        return int(np.prod(self.planes[0]))

    @property
    def features(self) -> int:
        """Length of what it gives."""
        return int(np.prod(self.planes[-1]))

    @cached_property
    def input_limits(self) -> tuple[int, ...]:
        """Largest magnitude of what each layer takes: 128 up to the first sums, 127 after them."""
        limits, limit = [], INPUT_LIMIT
        for layer in self.layers:
            limits.append(limit)
            if not isinstance(layer, MaxPool):
                limit = INPUT_LIMIT - 1
        return tuple(limits)

    @cached_property
    def zeros(self) -> tuple[int, ...]:
        """What each layer would pad with: ``input_zero`` until sums were formed, then 0."""
        return tuple(self.input_zero if it == INPUT_LIMIT else 0 for it in self.input_limits)

    @property
    def named(self) -> Iterable[tuple[str, NDArray[np.integer]]]:
        """Every array with its name, in the order of the file and of the digest."""
        for number, layer in enumerate(self.layers):
            if not isinstance(layer, MaxPool):
                yield f"layer.{number}.weight", layer.weights
                yield f"layer.{number}.bias", layer.bias
                yield f"layer.{number}.shift", layer.shift

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the shape of everything and every constant (SPEC, section 13.4)."""
        digest = hashlib.sha256(DIGEST_HEADER)
        height, width, channels = self.input_shape
        digest.update(f"input {height}x{width}x{channels} zero {self.input_zero}\n".encode())
        arrays = dict(self.named)
        for number, layer in enumerate(self.layers):
            digest.update(f"layer.{number} {_described(layer)}\n".encode())
            for name in ("weight", "bias", "shift"):
                array = arrays.get(f"layer.{number}.{name}")
                if array is not None:
                    shape = "x".join(map(str, array.shape))
                    digest.update(f"layer.{number}.{name} {array.dtype.name} {shape}\n".encode())
                    digest.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
        return digest.hexdigest()


def _described(layer: FeatureLayer) -> str:
    """A layer's kind and numbers, as they enter the digest."""
    match layer:
        case Convolution():
            return f"convolution stride {layer.stride} padding {layer.padding} relu {layer.relu:d}"
        case MaxPool():
            return f"max-pool size {layer.size} stride {layer.stride}"
        case Dense():
            return f"dense relu {layer.relu:d}"
