"""Which devices a node hosts, and how sets of devices travel: as ranges."""

from collections.abc import Sequence

import numpy as np

from tifed.rule.integer.rounding import Integers


def hosted(partition: int, partitions: int, devices: int) -> range:
    """The devices of node ``partition`` of ``partitions``: equal contiguous parts of all.

    >>> [hosted(node, 3, 8) for node in range(3)]
    [range(0, 3), range(3, 6), range(6, 8)]
    """
    return range(-(-partition * devices // partitions), -(-(partition + 1) * devices // partitions))


def to_ranges(devices: Sequence[int] | Integers) -> Integers:
    """Ascending device numbers as int64 (n, 2): first, count.

    >>> to_ranges([0, 1, 2, 7]).tolist()
    [[0, 3], [7, 1]]
    """
    numbers = np.asarray(devices, np.int64)
    if not len(numbers):
        return np.zeros((0, 2), np.int64)
    if numbers[-1] - numbers[0] == len(numbers) - 1:
        return np.array([[numbers[0], len(numbers)]])
    starts = np.flatnonzero(np.diff(numbers, prepend=numbers[0] - 2) != 1)
    counts = np.diff(starts, append=len(numbers))
    return np.stack([numbers[starts], counts], axis=1)


def from_ranges(ranges: Integers, devices: int) -> Integers:
    """The device numbers again, int64 (n,), ascending.

    Args:
        ranges: int64 (n, 2).
        devices: how many there are in all.

    Raises:
        ValueError: if the ranges name one twice, out of order, or one that does not exist.
    """
    end = 0
    for first, count in ranges.tolist():
        if first < end or count < 1 or first + count > devices:
            raise ValueError(f"devices {first} and {count - 1} more are not ascending in {devices}")
        end = first + count
    if len(ranges) == 1:
        return np.arange(end - count, end)
    firsts, counts = ranges.T
    before = np.cumsum(counts) - counts
    return np.repeat(firsts - before, counts) + np.arange(counts.sum())


def text(devices: Sequence[int] | Integers) -> str:
    """Device numbers for people.

    >>> text([0, 1, 2, 7])
    '0-2, 7'
    """
    rows = to_ranges(np.sort(np.asarray(devices, np.int64))).tolist()
    return ", ".join(str(a) if n == 1 else f"{a}-{a + n - 1}" for a, n in rows) or "none"
