"""Pólya's urn: Dirichlet shares without a gamma variate, hence without a floating-point number.

The usual way draws gamma variates, divides by their sum and rounds shares of N to integers. Its
logarithms and powers differ in the last bit between mathematics libraries, and a last bit can move
a sample to another device. The urn has the same distribution exactly: put ``alpha`` balls of each
of K colours into it, draw one, put it back with another of its colour, and so on. The colours of N
draws are distributed like N independent draws with shares that are Dirichlet(alpha, ..., alpha)
(Blackwell and MacQueen, 1973). All of it is integers.
"""

import numpy as np
from numpy.typing import NDArray

from tifed.errors import UsageError
from tifed.rule.integer import Key, random32

_BALL = 1 << 16  # alpha is counted in parts of a ball
_MOST_ALPHA = 10**6


def urn(key: Key, draws: int, colours: int, alpha: float) -> NDArray[np.int64]:
    """The colours of ``draws`` balls.

    Draw i takes one of the ``colours * alpha`` balls of the beginning, or one of the i balls that
    were added and so the colour of an earlier draw.

    Args:
        key: the random stream; number i belongs to draw i.
        draws: N.
        colours: K, with K * alpha + N < 2**31.
        alpha: 2**-16 .. 10**6, rounded to a multiple of 2**-16.

    Returns:
        int64 (N,), each 0..K-1.

    Raises:
        UsageError: if ``alpha`` is out of range.
    """
    if not 1 / _BALL <= alpha <= _MOST_ALPHA or colours * alpha + draws >= 1 << 31:
        raise UsageError(
            f"alpha: {alpha!r} is not in 2**-16..{_MOST_ALPHA} "
            f"(and {colours} devices times alpha, plus {draws} samples, below 2**31)"
        )
    of_each = round(alpha * _BALL)
    at_first = colours * of_each
    counter = np.arange(draws, dtype=np.int64)
    # floor(random * balls / 2**32) from two halves, for the product has up to 80 bits.
    balls = at_first + counter * _BALL
    random = random32(key, counter).astype(np.int64)
    ball = (random * (balls >> 16) + (random * (balls & 0xFFFF) >> 16)) >> 16
    fresh = ball < at_first
    earlier = np.where(fresh, counter, (ball - at_first) // _BALL)
    # Each draw points to an earlier one or to itself: follow the pointers, twice as far each time.
    while not np.array_equal(earlier, further := earlier[earlier]):
        earlier = further
    colour: NDArray[np.int64] = ball[earlier] // of_each
    return colour
