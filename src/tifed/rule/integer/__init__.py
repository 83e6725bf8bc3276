"""Fixed-width arithmetic: shifts, rounding, saturation, and counter-based random numbers.

Everything is exact and pure. Arrays are int64 inside; what a value may be is the caller's contract.
"""

from tifed.rule.integer.random import (
    Key,
    Purpose,
    below,
    permutation,
    random16,
    random32,
    stream_key,
)
from tifed.rule.integer.rounding import Rounding, divide, isqrt, saturate, shift_right

__all__ = [
    "Key",
    "Purpose",
    "Rounding",
    "below",
    "divide",
    "isqrt",
    "permutation",
    "random16",
    "random32",
    "saturate",
    "shift_right",
    "stream_key",
]
