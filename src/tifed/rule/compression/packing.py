"""Short numbers in bytes (SPEC, sections 12.9 and 25.6): several in a byte."""

import numpy as np

from tifed.rule.integer.rounding import Integers

_BASES = {1: (3, 5), 7: (16, 2), 127: (256, 1)}
"""Largest number: into how many values a digit goes, and how many digits lie in a byte."""
LARGEST = 127


def width_of(top: int) -> int:
    """The largest number of the narrowest width in which numbers up to ``top`` go."""
    return next(width for width in _BASES if top <= width)


def per_byte(top: int) -> int:
    """How many numbers up to ``top`` lie in a byte."""
    return _BASES[width_of(top)][1]


def packed_size(count: int, top: int) -> int:
    """Bytes of ``count`` numbers up to ``top``."""
    return -(-count // per_byte(top))


def pack(numbers: Integers, top: int) -> bytes:
    """Numbers (N,) up to ``top`` in magnitude, the first of a byte in its lowest digit.

    >>> import numpy as np
    >>> pack(np.array([1, 0, -1, 0, 0, 1]), 1).hex()
    '7102'
    """
    base, each = _BASES[width_of(top)]
    digits = numbers + 1 if base == 3 else numbers % base
    digits = np.pad(digits, (0, -len(digits) % each)).reshape(-1, each)
    return (digits @ base ** np.arange(each)).astype(np.uint8).tobytes()


def unpack(data: bytes, count: int, top: int) -> Integers:
    """The ``count`` numbers in ``data``, int64.

    Raises:
        ValueError: if ``data`` is not what `pack` makes of so many numbers up to ``top``.
    """
    base, each = _BASES[width_of(top)]
    digits = np.frombuffer(data, np.uint8).astype(np.int64)[:, np.newaxis]
    digits = (digits // base ** np.arange(each) % base).ravel()[:count]
    numbers = digits - 1 if base == 3 else (digits + base // 2) % base - base // 2
    if len(numbers) != count or np.abs(numbers).max(initial=0) > top or pack(numbers, top) != data:
        raise ValueError(f"has bytes that are not those of {count} numbers up to {top}")
    return numbers
