"""The coder for short updates, executable (SPEC, section 25.5).

This is the reference that the device's C must equal byte by byte, so it is written to be read:
where C carries into bytes that it has written, a whole number of any length stands here.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tifed.errors import UsageError
from tifed.rule.integer.rounding import Integers

MAX_BITS = 15
START = 0x0C50
"""Where chances start in the first frame of numbers of which nothing is known."""

_HALF = 1 << 15
_LEAST_RANGE = 1 << 24
_LENGTHS = MAX_BITS - 1
_REMAINDER = 26_624


class FrameError(ValueError):
    """Bytes are not what a coder writes for as many numbers."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Numbers in a row, as they go over a line.

    Attributes:
        data: the bytes.
        count: how many numbers they stand for.
        bits: that a magnitude has at most, 1..15.
        start: where the chances started, 0..65,535.
    """

    data: bytes
    count: int
    bits: int
    start: int


class Chance:
    """How often a choice was 1, over 65,536: a quick and a slow estimate, and their mean."""

    def __init__(self, value: int) -> None:
        self.quick = self.slow = value

    def part(self, size: int) -> int:
        """How much of a range belongs to 1."""
        return (size >> 16) * ((self.quick + self.slow) >> 1)

    def learn(self, bit: bool) -> None:
        """Move towards what happened."""
        if bit:
            self.quick += (65_535 - self.quick) >> 4
            self.slow += (65_535 - self.slow) >> 7
        else:
            self.quick -= self.quick >> 4
            self.slow -= self.slow >> 7


class Model:
    """What is known of numbers up to ``2^bits - 1`` in magnitude.

    Attributes:
        bits: that a magnitude has at most, 1..15.
        nonzero: a number is not 0.
        longer: [i]: a magnitude has more than i + 1 bits, if it has that many.
        remainder: [i]: bit i of a magnitude is 1, below its highest.
    """

    def __init__(self, bits: int, start: int) -> None:
        self.bits = bits
        self.nonzero = Chance((start & 255) * 256 + 128)
        middle = min(start >> 12, _LENGTHS - 1)
        values = [(start >> 8 & 15) * 2048 + 1024]
        for _ in range(middle):
            values.insert(0, values[0] // 2 + _HALF)
        while len(values) < _LENGTHS:
            values.append(values[-1] // 2 + 32)
        self.longer = [Chance(value) for value in values]
        self.remainder = [Chance(_REMAINDER) for _ in range(_LENGTHS)]

    @property
    def start(self) -> int:
        """The start that comes nearest to what is known now."""
        start = self.nonzero.slow >> 8
        if self.bits == 1:
            return start
        middle = 0
        while middle < self.bits - 2 and self.longer[middle].slow >= _HALF:
            middle += 1
        return start | min(self.longer[middle].slow >> 11, 15) << 8 | middle << 12


class _Interval:
    """The numbers that begin with what was coded: ``size`` of them from ``low``.

    They are fractions of 1, in units of the byte that is three behind the first ``grown``.
    """

    def __init__(self) -> None:
        self.low, self.size, self.grown = 0, (1 << 32) - 1, 0

    def narrow(self, part: int, bit: bool) -> None:
        """Keep the upper ``part`` of the interval for a 1, and what is below it for a 0."""
        if bit:
            self.low += self.size - part
        self.size = part if bit else self.size - part

    def grow(self) -> None:
        """Add bytes until there is room for every choice."""
        while self.size < _LEAST_RANGE:
            self.low, self.size, self.grown = self.low << 8, self.size << 8, self.grown + 1

    def bytes(self) -> bytes:
        """The fewest bytes that with zeros behind them lie inside."""
        whole = -(-self.low >> 32)
        if whole << 32 < self.low + self.size:
            return whole.to_bytes(self.grown, "big")
        return (-(-self.low >> 24)).to_bytes(self.grown + 1, "big")


class _Reader(_Interval):
    """The interval that the bytes of a frame, with zeros behind them, lie in."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.rest = iter(data)
        self.offset = 0  # of the bytes in the interval
        for _ in range(4):
            self.offset = self.offset << 8 | next(self.rest, 0)

    def choice(self, part: int) -> bool:
        """Whether the bytes lie in the interval's upper ``part``, to which it narrows then."""
        below = self.size - part
        bit = self.offset >= below
        self.offset -= below * bit
        self.narrow(part, bit)
        return bit

    def grow(self) -> None:
        """Add bytes, here as well."""
        before = self.grown
        super().grow()
        for _ in range(self.grown - before):
            self.offset = self.offset << 8 | next(self.rest, 0)


def _choices(model: Model, q: int) -> Iterator[tuple[Chance, bool]]:
    """What is chosen for the magnitude of a number that is not 0."""
    highest = abs(q).bit_length() - 1
    for i in range(min(highest + 1, model.bits - 1)):
        yield model.longer[i], i < highest
    for i in reversed(range(highest)):
        yield model.remainder[i], bool(abs(q) >> i & 1)


def _code(interval: _Interval, model: Model, q: int) -> None:
    """Code a number; the model does not change."""
    interval.narrow(model.nonzero.part(interval.size), q != 0)
    if q:
        interval.narrow(interval.size >> 1, q < 0)
    interval.grow()
    for chance, bit in _choices(model, q) if q else ():
        interval.narrow(chance.part(interval.size), bit)
        interval.grow()


def _learn(model: Model, q: int) -> None:
    """What a number says about those that follow."""
    model.nonzero.learn(q != 0)
    for chance, bit in _choices(model, q) if q else ():
        chance.learn(bit)


def encode(q: Integers, bits: int, start: int, capacity: int) -> tuple[Frame, int]:
    """The longest row of first numbers that a frame has room for, and the start of the next frame.

    Args:
        q: integers (N,), up to ``2^bits - 1`` in magnitude.
        bits: 1..15; 1 is ternary, 3 is 4 bits with the sign, 7 is 8 bits.
        start: where chances start, 0..65,535; `START`, or from the frame before.
        capacity: bytes that there are, at least 3 times ``bits``: one number always fits.

    Raises:
        UsageError: naming the argument that is wrong.
    """
    check_numbers(q, bits)
    check_frames(bits, start, capacity)
    model, interval, data = Model(bits, start), _Interval(), b""
    for count, number in enumerate(q.tolist()):
        _code(interval, model, number)
        longer = interval.bytes()
        if len(longer) > capacity:
            return Frame(data, count, bits, start), model.start
        _learn(model, number)
        data = longer
    return Frame(data, len(q), bits, start), model.start


def frames(q: Integers, bits: int, start: int, capacity: int) -> list[Frame]:
    """All numbers, cut into frames: the next one starts with what the one before knew.

    For arguments and errors see `encode`.
    """
    cut = list[Frame]()
    while len(q):
        frame, start = encode(q, bits, start, capacity)
        cut.append(frame)
        q = q[frame.count :]
    return cut


def coded_length(q: Integers, bits: int, start: int, capacity: int) -> tuple[int, int]:
    """How many bytes `frames` have together, and how many frames there are."""
    cut = frames(q, bits, start, capacity)
    return sum(len(frame.data) for frame in cut), len(cut)


def decode(frame: Frame) -> tuple[NDArray[np.int16], int]:
    """The numbers of a frame, int16 (count,), and the start of the next frame.

    Args:
        frame: from outside; its bytes may be any.

    Raises:
        FrameError: if the bytes are not those that `encode` makes of the numbers that they seem to
            stand for: some were cut off, or are too many, or became others.
        UsageError: if the frame's bits, start or count are out of range.
    """
    check_decodable(frame)
    model, reader = Model(frame.bits, frame.start), _Reader(frame.data)
    if reader.offset >= reader.size:
        raise no_frame(frame)  # no frame begins with four bytes of 255
    q = [_decoded(reader, model) for _ in range(frame.count)]
    if reader.bytes() != frame.data:
        raise no_frame(frame)
    return np.array(q, np.int16), model.start


def _decoded(reader: _Reader, model: Model) -> int:
    """The next number; the model learns it."""

    def choice(chance: Chance) -> bool:
        bit = reader.choice(chance.part(reader.size))
        reader.grow()
        return bit

    nonzero = reader.choice(model.nonzero.part(reader.size))
    negative = nonzero and reader.choice(reader.size >> 1)
    reader.grow()
    magnitude, highest = int(nonzero), 0
    if nonzero:
        while highest < model.bits - 1 and choice(model.longer[highest]):
            highest += 1
        for i in reversed(range(highest)):
            magnitude = magnitude << 1 | choice(model.remainder[i])
    q = -magnitude if negative else magnitude
    _learn(model, q)
    return q


def bits_of(top: int) -> int:
    """Bits of numbers up to ``top`` in magnitude."""
    return top.bit_length()


def check_numbers(q: Integers, bits: int) -> None:
    """Refuse numbers that do not fit.

    Raises:
        UsageError: naming ``q`` or ``bits``.
    """
    if not 1 <= bits <= MAX_BITS:
        raise UsageError(f"bits: {bits} is not in 1..{MAX_BITS}")
    if q.ndim != 1 or q.dtype.kind not in "iu":
        raise UsageError(f"q: {q.dtype} of shape {q.shape} is not a row of integers")
    top = (1 << bits) - 1
    if len(q) and not (-top <= int(q.min()) and int(q.max()) <= top):
        raise UsageError(f"q: {q.min()}..{q.max()} is not within -{top}..{top} (bits = {bits})")


def check_decodable(frame: Frame) -> None:
    """Refuse a frame whose numbers, other than its bytes, no frame can have.

    Raises:
        UsageError: naming the one that is wrong.
    """
    check_frames(frame.bits, frame.start, 3 * MAX_BITS)
    if frame.count < 0:
        raise UsageError(f"count: {frame.count} is below 0")


def no_frame(frame: Frame) -> FrameError:
    """What is said of bytes that stand for no numbers."""
    return FrameError(
        f"frame: its {len(frame.data)} bytes are not how {frame.count} numbers are coded"
    )


def check_frames(bits: int, start: int, capacity: int) -> None:
    """Refuse a width, a start, or a capacity that no frame can have.

    Raises:
        UsageError: naming the one that is wrong.
    """
    if not 1 <= bits <= MAX_BITS:
        raise UsageError(f"bits: {bits} is not in 1..{MAX_BITS}")
    if not 0 <= start <= 65_535:
        raise UsageError(f"start: {start} is not in 0..65535")
    if not 3 * bits <= capacity:
        raise UsageError(f"capacity: {capacity} bytes are fewer than {3 * bits} (3 times bits)")
