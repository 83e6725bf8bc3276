"""What a network has learnt: weights, biases and the input's centre; and their digest."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tifed.errors import UsageError
from tifed.rule.integer import Purpose, below, stream_key
from tifed.rule.network.layer import Layer
from tifed.rule.network.network import Network

Tensor = NDArray[np.signedinteger]

DIGEST_HEADER = b"tifed-model/1\n"


@dataclass(frozen=True, eq=False)
class Parameters:
    """Everything a device needs beside the network's constants.

    Attributes:
        centre: int8 (features,); subtracted from each sample, 0 where the network is not centred.
        weights: per layer (fan_in, fan_out); int8, int16 or int32 as ``Layer.weight_bits`` says.
        biases: per layer (fan_out,); int16, or int32 beside 32-bit weights.
    """

    centre: NDArray[np.int8]
    weights: tuple[Tensor, ...]
    biases: tuple[Tensor, ...]

    def __eq__(self, other: object) -> bool:
        """Equal in every shape, type and value."""
        return isinstance(other, Parameters) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    @property
    def named(self) -> Iterable[tuple[str, Tensor]]:
        """Every array with its name, in the order of the model file and of the digest."""
        yield "input.centre", self.centre
        for number, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            yield f"layer.{number}.weight", weight
            yield f"layer.{number}.bias", bias

    @property
    def digest(self) -> str:
        """SHA-256 over every array's name, type, shape and little-endian values (SPEC, 9)."""
        digest = hashlib.sha256(DIGEST_HEADER)
        for name, array in self.named:
            shape = "x".join(map(str, array.shape))
            digest.update(f"{name} int{array.itemsize * 8} {shape}\n".encode())
            digest.update(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes())
        return digest.hexdigest()


def weight_dtype(layer: Layer) -> np.dtype[np.signedinteger]:
    """The type that holds a weight of ``layer``."""
    return np.dtype(f"int{layer.weight_bits}")


def bias_dtype(layer: Layer) -> np.dtype[np.signedinteger]:
    """The type that holds a bias of ``layer``."""
    return np.dtype(f"int{layer.bias_bits}")


def start_parameters(
    network: Network, start: tuple[int, ...], seed: int, biases: tuple[int, ...] | None = None
) -> Parameters:
    """The parameters before the first round (SPEC, section 6).

    Args:
        network: the shape and the bounds.
        start: per layer the largest magnitude of a first weight; 0 for all-zero weights.
        seed: of the experiment; weight ``p`` of layer ``l`` is
            ``below(stream_key(seed, START, l), p, 2 * start + 1) - start``.
        biases: per layer the first value of its biases; None for 0.

    Returns:
        Parameters with a centre of 0.

    Raises:
        UsageError: if ``start`` has another length than the layers or passes a weight bound, or
            ``biases`` a bias's.
    """
    if len(start) != network.depth:
        raise UsageError(f"start: {len(start)} values for {network.depth} layers")
    weights: list[Tensor] = []
    first = (0,) * network.depth if biases is None else biases
    first_biases: list[Tensor] = []
    for number, (layer, limit, bias) in enumerate(zip(network.layers, start, first, strict=True)):
        if not 0 <= limit <= layer.weight_bound:
            raise UsageError(f"start: {limit} of layer {number} is not in 0..{layer.weight_bound}")
        key = stream_key(seed, Purpose.START, number)
        places = np.arange(layer.fan_in * layer.fan_out, dtype=np.int64)
        drawn = below(key, places, 2 * limit + 1) - limit
        weights.append(drawn.reshape(layer.fan_in, layer.fan_out).astype(weight_dtype(layer)))
        if abs(bias) > layer.bias_bound:
            raise UsageError(
                f"start: bias {bias} of layer {number} is not within ±{layer.bias_bound}"
            )
        first_biases.append(np.full(layer.fan_out, bias, bias_dtype(layer)))
    return Parameters(np.zeros(network.features, np.int8), tuple(weights), tuple(first_biases))


def check_parameters(network: Network, parameters: Parameters) -> None:
    """Make sure that every array has the shape, type and range that ``network`` asks for.

    Raises:
        UsageError: naming the array that does not.
    """
    expected: list[tuple[tuple[int, ...], np.dtype[np.signedinteger], int]] = [
        ((network.features,), np.dtype(np.int8), 128)
    ]
    for layer in network.layers:
        expected.append(((layer.fan_in, layer.fan_out), weight_dtype(layer), layer.weight_bound))
        expected.append(((layer.fan_out,), bias_dtype(layer), layer.bias_bound))
    arrays = list(parameters.named)
    if len(arrays) != len(expected):
        raise UsageError(
            f"parameters: {len(arrays) // 2} layers of arrays for {network.depth} layers"
        )
    for (name, array), (shape, dtype, bound) in zip(arrays, expected, strict=True):
        if array.shape != shape or array.dtype != dtype:
            raise UsageError(
                f"{name}: {array.dtype} {array.shape} where the network needs {dtype} {shape}"
            )
        extreme = max(-int(array.min(initial=0)), int(array.max(initial=0)))
        if extreme > bound:
            raise UsageError(f"{name}: magnitude {extreme} passes the bound {bound}")
