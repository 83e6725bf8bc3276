"""A node's sums as bytes (SPEC, section 7.1): as few as the largest possible numbers need.

Per layer come the numbers of its weights, row by row, without the rows that no device has sent, and
then those of its biases. Short ones lie in a byte together as updates of devices do; longer ones
are words of 16, 32 or 64 bits, little-endian. Where the run has a coder, numbers of short updates
are coded if that is shorter: ``coded`` tells of each layer how many bytes they are, 0 if they are
not.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tifed.federation import Update
from tifed.federation.sum_numbers import SumNumbers
from tifed.native.coder import decode, encode
from tifed.rule.compression.coder import MAX_BITS, START, Frame, bits_of
from tifed.rule.compression.packing import LARGEST, pack, packed_size, unpack
from tifed.rule.integer.rounding import Integers

Data = NDArray[np.uint8]


def sums_to_bytes(numbers: SumNumbers, update: Update) -> tuple[Data, dict[str, Any]]:
    """All sums of ``update``, and the values that a message has beside them.

    Raises:
        ValueError: naming a layer that has a number beyond its bound.
    """
    parts, lengths = list[bytes](), list[int]()
    for layer in sorted(update.layers):
        part = update.layers[layer]
        weight, bias = numbers.numbers(layer, part, update.devices)
        bounds = numbers.bounds(layer, part.samples, numbers.noise)
        sent = weight[numbers.rows(layer, update.devices)].ravel()
        check_within(f"layer {layer}, weights", weight, bounds[0])
        check_within(f"layer {layer}, biases", bias, bounds[1])
        written, coded = _written(sent, bounds[0]), b""
        if _may_code(numbers, layer, bounds[0]) and len(sent):
            bits = bits_of(bounds[0])
            frame, _ = encode(sent, bits, START, 3 * bits * len(sent))
            coded = frame.data if len(frame.data) < len(written) else b""
        lengths.append(len(coded))
        parts += [coded or written, _written(bias, bounds[1])]
    values = {"coded": lengths} if numbers.federation.frame else {}
    return np.frombuffer(b"".join(parts), np.uint8), values


def sums_from_bytes(
    numbers: SumNumbers,
    data: Data,
    coded: Iterable[int],
    samples: Mapping[int, int],
    devices: Integers,
) -> dict[int, tuple[Integers, Integers]]:
    """The sums of weights and biases of each layer.

    Args:
        numbers: of the part of the plan that was asked for.
        data: what `sums_to_bytes` has made.
        coded: of each layer how many of these bytes are coded.
        samples: behind each layer that is in it, ascending.
        devices: whose sums they are.

    Raises:
        ValueError: naming what is not as it should be.
    """
    found, rest = dict[int, tuple[Integers, Integers]](), data.tobytes()
    for (layer, behind), length in zip(samples.items(), coded, strict=True):
        of = numbers.federation.network.layers[layer]
        bounds = numbers.bounds(layer, behind, numbers.noise)
        rows = numbers.rows(layer, devices)
        count = int(np.count_nonzero(rows)) * of.fan_out
        if length and not _may_code(numbers, layer, bounds[0]):
            raise ValueError(f"layer {layer}, weights: coded has {length}, and they are not coded")
        size = length or _size(count, bounds[0])
        name = f"layer {layer}, weights"
        if length:
            sent = _decoded(name, rest[:size], count, bounds[0])
        else:
            sent = _read(name, rest[:size], count, bounds[0])
        weight = np.zeros((of.fan_in, of.fan_out), np.int64)
        weight[rows] = sent.reshape(-1, of.fan_out)
        end = size + _size(of.fan_out, bounds[1])
        bias = _read(f"layer {layer}, biases", rest[size:end], of.fan_out, bounds[1])
        found[layer], rest = numbers.sums(layer, (weight, bias), devices), rest[end:]
    if rest:
        raise ValueError(f"sums has {len(rest)} bytes too many")
    return found


def check_within(name: str, numbers: Integers, bound: int) -> None:
    """Refuse numbers that no samples or parameters within their bounds can give.

    Raises:
        ValueError: naming them.
    """
    if numbers.size and (int(numbers.max()) > bound or int(numbers.min()) < -bound):
        raise ValueError(f"{name} has a sum beyond ±{bound}")


def _may_code(numbers: SumNumbers, layer: int, bound: int) -> bool:
    """Whether numbers of the layer's weights can be coded."""
    coder = numbers.federation.frame > 0 and numbers.change(layer).top > 0
    return coder and 0 < bound < 1 << MAX_BITS


def _word(bound: int) -> np.dtype[Any]:
    """The narrowest word of 16 bits or more that has room for ``bound``."""
    return np.dtype(next((f"<i{n}" for n in (2, 4) if bound < 1 << 8 * n - 1), "<i8"))


def _size(count: int, bound: int) -> int:
    """Bytes of ``count`` numbers up to ``bound`` that are not coded."""
    return packed_size(count, bound) if bound <= LARGEST else count * _word(bound).itemsize


def _written(numbers: Integers, bound: int) -> bytes:
    """Numbers up to ``bound``, not coded."""
    return pack(numbers, bound) if bound <= LARGEST else numbers.astype(_word(bound)).tobytes()


def _read(name: str, data: bytes, count: int, bound: int) -> Integers:
    """The same again, int64 (count,)."""
    if len(data) != _size(count, bound):
        raise ValueError(f"{name}: sums has {len(data)} bytes for {_size(count, bound)}")
    if bound <= LARGEST:
        try:
            return unpack(data, count, bound)
        except ValueError as error:
            raise ValueError(f"{name} {error}") from error
    found = np.frombuffer(data, _word(bound)).astype(np.int64)
    check_within(name, found, bound)
    return found


def _decoded(name: str, data: bytes, count: int, bound: int) -> Integers:
    """Coded numbers again, int64 (count,)."""
    try:
        decoded, _ = decode(Frame(data, count, bits_of(bound), START))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    found = decoded.astype(np.int64)
    check_within(name, found, bound)
    return found
