"""How much a compressed file may hold: a few bytes can say that they are terabytes."""

MOST_BYTES = 1 << 31
"""Of one data set, uncompressed."""

_HARMLESS = 1 << 26  # bytes that any machine has
_MOST_RATIO = 500  # pictures shrink to a fifth, tables of zeros and ones to a fiftieth


def most_uncompressed(compressed: int) -> int:
    """The largest size that so many compressed bytes are believed to have.

    >>> most_uncompressed(1000) >> 20, most_uncompressed(1 << 20) >> 20
    (64, 500)
    """
    return min(MOST_BYTES, max(_HARMLESS, _MOST_RATIO * compressed))
