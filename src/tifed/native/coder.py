"""The coder for short updates in C: the device's own code, nanoseconds a number.

The functions are those of `tifed.rule.compression.coder`, with the same arguments,
results and errors.
"""

import numpy as np
from numpy.typing import NDArray

from tifed.native import _native
from tifed.rule.compression.coder import (
    Frame,
    check_decodable,
    check_frames,
    check_numbers,
    no_frame,
)
from tifed.rule.integer.rounding import Integers


def encode(q: Integers, bits: int, start: int, capacity: int) -> tuple[Frame, int]:
    """What a frame has room for of the first numbers, and the start of the next frame."""
    return _encode(_checked(q, bits, start, capacity), bits, start, capacity)


def frames(q: Integers, bits: int, start: int, capacity: int) -> list[Frame]:
    """All numbers, cut into frames: the next one starts with what the one before knew."""
    row, cut = _checked(q, bits, start, capacity), list[Frame]()
    while len(row):
        frame, start = _encode(row, bits, start, capacity)
        cut.append(frame)
        row = row[frame.count :]
    return cut


def coded_length(q: Integers, bits: int, start: int, capacity: int) -> tuple[int, int]:
    """How many bytes `frames` have together, and how many frames there are; none is made."""
    row = _checked(q, bits, start, capacity)
    return _native.coder_length(row, bits=bits, start=start, capacity=capacity)


def decode(frame: Frame) -> tuple[NDArray[np.int16], int]:
    """The numbers of a frame, int16 (count,), and the start of the next frame."""
    check_decodable(frame)
    q = np.empty(frame.count, np.int16)
    data = np.frombuffer(frame.data, np.uint8)
    after = _native.coder_decode(data, bits=frame.bits, start=frame.start, out=q)
    if after < 0:
        raise no_frame(frame)
    return q, after


def _encode(row: NDArray[np.int16], bits: int, start: int, capacity: int) -> tuple[Frame, int]:
    out = np.empty(capacity, np.uint8)
    count, length, after = _native.coder_encode(row, bits=bits, start=start, out=out)
    return Frame(out[:length].tobytes(), count, bits, start), after


def _checked(q: Integers, bits: int, start: int, capacity: int) -> NDArray[np.int16]:
    """The numbers as C takes them."""
    check_numbers(q, bits)
    check_frames(bits, start, capacity)
    return np.ascontiguousarray(q, np.int16)
