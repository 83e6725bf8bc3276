"""What devices answer, taken apart: the one place that reads their bytes.

A device may answer anything: it may be broken, half flashed, or something else that happens to
speak the link. Every function here raises ``ValueError`` for what cannot be an answer to the
request, in words that follow "its answer to HELLO", and nothing else; `Client` makes a
`DeviceAnswerError` of it, which costs the device its part in an exchange.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from tifed.link.frame import PAYLOAD
from tifed.native.coder import decode
from tifed.printable import printable
from tifed.rule.compression.coder import Frame as CodedFrame
from tifed.rule.compression.coder import bits_of
from tifed.rule.compression.packing import packed_size, unpack
from tifed.rule.integer.rounding import Integers
from tifed.rule.learning import Statistics
from tifed.rule.network import Tensor

SMALLEST_PAYLOAD = 64
"""Bytes that every device takes in a payload at least."""
_LONGEST_NAME = 60
_OWN_DATA, _MASKS, _SHORT, _CODER, _QUIET = 8, 16, 32, 64, 128
_RESIDUALS = 1
_KEY = 32
_HELLO = struct.Struct("<BBB10I")
_STATUS = struct.Struct("<BH9I")
_VALUE = struct.Struct("<H")
_LAYER = struct.Struct("<HHB")
_LARGEST, _LONGEST_NUMBER = 0xFFFFFFFF, 35
_SUMS = struct.Struct("<IQ")
_WORD = struct.Struct("<I")
_COUNTS = struct.Struct("<5IB")
_PERSONAL = struct.Struct("<3I")
MOST_SAID = 0xFFFF
"""The most samples that an order's answer names: there may be more."""


@dataclass(frozen=True)
class Capabilities:
    """What a device says of itself.

    Attributes:
        core: version of its core.
        can_reset: whether it restarts when asked.
        counts_ticks: whether it times its training.
        paints_stack: whether it knows how much stack it has used.
        depth: layers of its network.
        fingerprint: of the experiment that it was built for.
        payload: most bytes of a payload, 64..1024.
        memory: bytes of RAM for the core.
        buffer: samples it keeps.
        batch: samples per mini-batch.
        layers: numbers of the layers that it can train alone.
        all_layers: whether it can train all of them at once.
        features: that its network takes.
        classes: number of classes.
        tick_hertz: ticks per second.
        board: its name, printable.
        own_data: whether it has its samples itself, and nobody sends it any.
        short_updates: whether it sends and takes short updates.
        coder: whether it codes their numbers.
        quiet: whether it answers an exchange as a whole.
        held_out_every: every how manieth of its own samples is held out; 0 without own samples.
        residuals: whether it keeps what of its changes was too small to go up.
        mask_peers: with how many other devices it can share masks, without which no update leaves
            it; 0 without masks.
    """

    core: int
    can_reset: bool
    counts_ticks: bool
    paints_stack: bool
    depth: int
    fingerprint: int
    payload: int
    memory: int
    buffer: int
    batch: int
    layers: tuple[int, ...]
    all_layers: bool
    features: int
    classes: int
    tick_hertz: int
    board: str
    own_data: bool = False
    short_updates: bool = False
    coder: bool = False
    quiet: bool = False
    residuals: bool = False
    held_out_every: int = 0
    mask_peers: int = 0


class DeviceState(IntEnum):
    """What a device is doing."""

    IDLE = 0
    CONFIGURED = 1
    TRAINING = 2
    TRAINED = 3
    WORKING = 4


@dataclass(frozen=True)
class DeviceStatus:
    """How far a device is.

    Attributes:
        state: what it is doing.
        samples: in its buffer.
        step: the next mini-batch step, or pieces that are done of work on its own samples.
        last_step: where it will stop.
        statistics: counts since training began.
        ticks: spent in steps since training began.
        stack: most bytes of stack used since it started; 0 if it does not know.
        outcome: the code with which its last work on its own samples ended, 0 if it went well.
    """

    state: DeviceState
    samples: int
    step: int
    last_step: int
    statistics: Statistics
    ticks: int
    stack: int
    outcome: int = 0


@dataclass(frozen=True)
class OwnCounts:
    """How many samples of its own a device has, and the fewest that its owner lets it work on.

    Attributes:
        training: samples that it trains on.
        held_out: samples that it never trains on.
        least_update: training samples that an update is made of, at least.
        least_calibration: training samples that a calibration is over, at least.
        least_evaluation: held-out samples that a score is over, at least.
        by_class: whether its scores may be asked for class by class.
    """

    training: int
    held_out: int
    least_update: int
    least_calibration: int
    least_evaluation: int
    by_class: bool


def capabilities(answer: bytes) -> Capabilities:
    """Of the answer to a hello.

    Raises:
        ValueError: if it is too short, or names a payload or a network that cannot be.
    """
    if len(answer) < _HELLO.size:
        raise ValueError(f"has {len(answer)} bytes, not {_HELLO.size} or more")
    core, flags, depth, fingerprint, payload, memory, buffer, batch, *rest = _HELLO.unpack_from(
        answer
    )
    alone, together, features, classes, hertz = rest
    if not SMALLEST_PAYLOAD <= payload <= PAYLOAD:
        raise ValueError(
            f"says that a payload has {payload} bytes at most, which is not in "
            f"{SMALLEST_PAYLOAD}..{PAYLOAD}"
        )
    if 0 in (depth, features, classes, buffer, batch):
        raise ValueError(
            f"names {depth} layers, {features} features, {classes} classes, a buffer of {buffer} "
            f"and a mini-batch of {batch}, of which none can be 0"
        )
    end, words = _HELLO.size, dict.fromkeys((_OWN_DATA, _MASKS), 0)
    for flag in words:
        if flags & flag:
            if len(answer) < end + _WORD.size:
                raise ValueError(f"has {len(answer)} bytes, not {end + _WORD.size} or more")
            words[flag] = int(_WORD.unpack_from(answer, end)[0])
            end += _WORD.size
    if flags & _MASKS and words[_MASKS] < 2:
        raise ValueError(f"names {words[_MASKS]} devices to share masks with, which hide nothing")
    board, _, further = answer[end:].partition(b"\0")
    name = board[:_LONGEST_NAME].decode("ascii", "replace")
    return Capabilities(
        core=core,
        can_reset=bool(flags & 1),
        counts_ticks=bool(flags & 2),
        paints_stack=bool(flags & 4),
        depth=depth,
        fingerprint=fingerprint,
        payload=payload,
        memory=memory,
        buffer=buffer,
        batch=batch,
        layers=tuple(layer for layer in range(depth) if alone >> layer & 1),
        all_layers=bool(together),
        features=features,
        classes=classes,
        tick_hertz=hertz,
        board=printable(name),
        own_data=bool(flags & _OWN_DATA),
        short_updates=bool(flags & _SHORT),
        coder=bool(flags & _CODER),
        quiet=bool(flags & _QUIET),
        residuals=bool(further and further[0] & _RESIDUALS),
        held_out_every=words[_OWN_DATA],
        mask_peers=words[_MASKS],
    )


def status(answer: bytes, own_data: bool = False) -> DeviceStatus:
    """Of the answer to a look at a device, or of its word that it has done what was asked.

    Raises:
        ValueError: if it is of another length, or the state is none.
    """
    _exactly(answer, _STATUS.size + own_data)
    state, samples, step, last, visits, missed, parameters, deltas, low, high, stack = (
        _STATUS.unpack_from(answer)
    )
    if state not in tuple(DeviceState):
        raise ValueError(f"names a state {state}, which there is not")
    return DeviceStatus(
        DeviceState(state), samples, step, last,
        Statistics(visits, missed, parameters, deltas), high << 32 | low, stack,
        answer[-1] if own_data else 0,
    )  # fmt: skip


def value(answer: bytes) -> int:
    """The value in the answer to an order.

    Raises:
        ValueError: if it is of another length.
    """
    _exactly(answer, _VALUE.size)
    return int(_VALUE.unpack(answer)[0])


def parameters(answer: bytes, count: int, dtype: np.dtype[np.signedinteger], bound: int) -> Tensor:
    """``count`` parameters, ``dtype`` (count,).

    Raises:
        ValueError: if there are more or fewer, or one is beyond ±``bound``.
    """
    _exactly(answer, count * dtype.itemsize)
    values = np.frombuffer(answer, dtype.newbyteorder("<")).astype(dtype)
    _within(values, bound)
    return values


def changes(
    answer: bytes, weights: int, biases: int, top: int, bound: int, start: int | None = None
) -> tuple[Integers, Tensor, int | None]:
    """By how much weights have moved, int64, and the biases behind the last of them, int16.

    They are coded if there is a ``start`` of the frame; then that of the next one comes as well.

    Raises:
        ValueError: if these are none or more than the ``weights`` and ``biases`` that are left,
            a number is beyond ``top``, a bias beyond ±``bound``, or there are more or fewer bytes.
    """
    if len(answer) < _VALUE.size:
        raise ValueError(f"has {len(answer)} bytes, not {_VALUE.size} or more")
    count, body = int(_VALUE.unpack_from(answer)[0]), answer[_VALUE.size :]
    if not 0 < count <= weights + biases:
        raise ValueError(f"has {count} numbers, not 1 to {weights + biases}")
    of_weights = min(count, weights)
    size = packed_size(of_weights, top)
    if start is not None:
        size = max(0, len(body) - 2 * (count - of_weights))
    biases_there = parameters(body[size:], count - of_weights, np.dtype(np.int16), bound)
    if start is None or not of_weights:
        return unpack(body[:size], of_weights, top), biases_there, start
    coded, start = decode(CodedFrame(body[:size], of_weights, bits_of(top), start))
    numbers = coded.astype(np.int64)
    _within(numbers, top)
    return numbers, biases_there, start


def numbers(answer: bytes, count: int) -> tuple[list[int], bytes]:
    """``count`` numbers below 2**32, seven bits in a byte, lowest first; and what is behind them.

    Raises:
        ValueError: if it ends before, or a number is longer.
    """
    found, place = [], 0
    for _ in range(count):
        number, bits = 0, 0
        while True:
            if place == len(answer):
                raise ValueError(f"ends in the middle of {count} numbers")
            number |= (answer[place] & 127) << bits
            bits += 7
            place += 1
            if number > _LARGEST or bits > _LONGEST_NUMBER:
                raise ValueError("has a number beyond 32 bits")
            if answer[place - 1] < 128:
                break
        found.append(number)
    return found, answer[place:]


def exchanged(
    answer: bytes, weights: int, before: Tensor, top: int, bound: int, start: int | None
) -> tuple[Integers, Tensor, int | None, bytes]:
    """One layer in the answer to an exchange, as `changes` gives it; and what is behind it.

    Biases may come as differences from those ``before``. A layer without room for any has no bytes.

    Raises:
        ValueError: as `changes`, or if biases come in another width.
    """
    none = np.zeros(0, np.int64), np.zeros(0, np.int16), start, b""
    if not answer:
        return none
    if len(answer) < _LAYER.size:
        raise ValueError(f"has {len(answer)} bytes of a layer, not {_LAYER.size} or more")
    count, size, width = _LAYER.unpack_from(answer)
    of_biases = max(0, count - weights)
    end = _LAYER.size + size + width * of_biases
    if width not in (1, 2) or end > len(answer):
        raise ValueError(f"has biases of {width} bytes, or {len(answer)} bytes, not {end} or more")
    coded, tail = answer[_LAYER.size :][:size], answer[end - width * of_biases : end]
    if width == 1 and of_biases <= len(before):
        moved = np.frombuffer(tail, np.int8).astype(np.int64) + before[:of_biases]
        _within(moved, bound)
        tail = moved.astype("<i2").tobytes()
    if count == 0:
        return *none[:3], answer[end:]
    said = _VALUE.pack(count) + coded + tail
    return *changes(said, weights, len(before), top, bound, start), answer[end:]


def sums(answer: bytes, count: int, samples: range, width: int = 4) -> tuple[int, int, Integers]:
    """Number of samples, sum of all squares, and ``count`` sums of features, int64 (count,).

    A sum has ``width`` bytes, 2 or 4.
    Whether the squares fit the sums can be told once all sums are there.

    Raises:
        ValueError: if there are more or fewer, they are over another number of samples than one in
            ``samples``, or one is more than int8 values can sum to.
    """
    _exactly(answer, _SUMS.size + width * count)
    counted, squares = _SUMS.unpack_from(answer)
    if counted not in samples:
        raise ValueError(f"sums {counted} samples, not {_one_of(samples)}")
    values = np.frombuffer(answer, f"<i{width}", offset=_SUMS.size).astype(np.int64)
    _within(values, 128 * counted)
    return counted, squares, values


def mask_key(answer: bytes) -> bytes:
    """A key of masks, or what a mask is made of, 32 bytes.

    Raises:
        ValueError: if it is of another length.
    """
    _exactly(answer, _KEY)
    return answer


def masked(answer: bytes, count: int) -> NDArray[np.uint32]:
    """``count`` words under masks, uint32 (count,), of which nothing can be said.

    Raises:
        ValueError: if there are more or fewer.
    """
    _exactly(answer, 4 * count)
    return np.frombuffer(answer, "<u4").astype(np.uint32)


def own_counts(answer: bytes) -> OwnCounts:
    """How many samples a device has of its own.

    Raises:
        ValueError: if it is of another length.
    """
    _exactly(answer, _COUNTS.size)
    training, held_out, update, calibration, evaluation, by_class = _COUNTS.unpack(answer)
    return OwnCounts(training, held_out, update, calibration, evaluation, bool(by_class))


def score(answer: bytes, classes: int, samples: range) -> tuple[int, int, list[tuple[int, int]]]:
    """How many of how many held-out samples were right, and the same for each of ``classes``.

    Raises:
        ValueError: if it is of another length, is over another number of samples than one in
            ``samples``, or more are right than there are.
    """
    _exactly(answer, 8 * (1 + classes))
    (correct, counted), *by_class = struct.iter_unpack("<II", answer)
    if counted not in samples:
        raise ValueError(f"scores {counted} samples, not {_one_of(samples)}")
    for right, all_of in [(correct, counted), *by_class]:
        if right > all_of:
            raise ValueError(f"has {right} right of {all_of} samples")
    return correct, counted, by_class


def personal_score(answer: bytes, samples: range) -> tuple[int, int, int]:
    """How many held-out samples were right before personal rounds and after them, and all of them.

    Raises:
        ValueError: if it is of another length, is over another number of samples than one in
            ``samples``, or more are right than there are.
    """
    _exactly(answer, _PERSONAL.size)
    before, after, counted = _PERSONAL.unpack(answer)
    if counted not in samples:
        raise ValueError(f"scores {counted} samples, not {_one_of(samples)}")
    if max(before, after) > counted:
        raise ValueError(f"has {max(before, after)} right of {counted} samples")
    return before, after, counted


def _one_of(samples: range) -> str:
    """Numbers of samples in words."""
    first, last = samples[0], samples[-1]
    return str(first) if first == last else f"{first} to {last}"


def _exactly(answer: bytes, length: int) -> None:
    if len(answer) != length:
        raise ValueError(f"has {len(answer)} bytes, not {length}")


def _within(values: Tensor | Integers, bound: int) -> None:
    extreme = max(-int(values.min(initial=0)), int(values.max(initial=0)))
    if extreme > bound:
        raise ValueError(f"has a magnitude of {extreme}, which passes the bound {bound}")
