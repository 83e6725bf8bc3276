"""Division, shifts and saturation with every rounding spelled out (SPEC, section 2)."""

import math
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


class Rounding(StrEnum):
    """How a quotient that is not whole becomes an integer."""

    FLOOR = "floor"
    """Towards minus infinity: what an arithmetic right shift does."""
    TOWARD_ZERO = "toward-zero"
    """Truncated: the fraction is dropped."""
    NEAREST = "nearest"
    """To the nearest integer, a half goes up: add half of the divisor, then floor."""
    STOCHASTIC = "stochastic"
    """Up with a probability equal to the fraction: add random low bits, then floor."""


def divide(numerator: Integers, divisor: Integers | int, rounding: Rounding) -> Integers:
    """Quotient as an integer, int64, shape of ``numerator``; ``divisor`` > 0, one or broadcast.

    >>> [int(divide(np.array(-6), 4, how)) for how in ("floor", "toward-zero", "nearest")]
    [-2, -1, -1]

    Raises:
        ValueError: if ``rounding`` is ``stochastic``, which needs random bits (see `shift_right`).
    """
    if rounding == Rounding.STOCHASTIC:
        raise ValueError("rounding: a stochastic quotient needs random bits; use shift_right")
    if rounding == Rounding.TOWARD_ZERO:
        truncated: Integers = np.sign(numerator) * np.floor_divide(np.abs(numerator), divisor)
        return truncated
    if rounding == Rounding.NEAREST:
        return (numerator + divisor // 2) // divisor
    return numerator // divisor


def shift_right(
    value: Integers,
    shift: int,
    rounding: Rounding,
    random_bits: NDArray[np.uint32] | None = None,
) -> Integers:
    """``value / 2**shift`` as an integer.

    Args:
        value: int64, any shape.
        shift: 0..30 bits.
        rounding: how the lost bits are treated.
        random_bits: uint32, shape of ``value``; ``stochastic`` uses the low ``shift`` bits of each.

    Returns:
        int64, shape of ``value``.

    >>> shift_right(np.array([-3, -2, 2, 3]), 2, Rounding.NEAREST)
    array([-1,  0,  1,  1])

    Raises:
        ValueError: if ``stochastic`` is asked for without random bits.
    """
    if rounding == Rounding.STOCHASTIC:
        if random_bits is None:
            raise ValueError("random_bits: stochastic rounding needs them")
        low_bits = random_bits.astype(np.int64) & ((1 << shift) - 1)
        return (value + low_bits) >> shift
    return divide(value, 1 << shift, rounding)


def saturate(value: Integers, bound: int) -> tuple[Integers, int]:
    """Limit ``value`` to ``-bound..bound``.

    Returns:
        The limited values (int64) and how many had to be changed.

    >>> saturate(np.array([-9, 3, 8]), 7)
    (array([-7,  3,  7]), 2)
    """
    limited = np.clip(value, -bound, bound)
    return limited, int(np.count_nonzero(limited != value))


def isqrt(value: int) -> int:
    """Largest integer whose square is at most ``value`` (``value`` >= 0).

    >>> isqrt(1872)
    43
    """
    return math.isqrt(value)
