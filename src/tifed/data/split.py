"""A deterministic, stratified split: no chance in it, so nothing to agree on between machines."""

import numpy as np
from numpy.typing import NDArray

from tifed.errors import UsageError


def stratified(
    labels: NDArray[np.int32], groups: NDArray[np.int32] | None, count: int, start: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Take ``count`` samples that are spread evenly over groups and classes.

    Sorted by group, class and place in the file, every k-th sample is taken (k = N / count).

    Args:
        labels: int32 (N,).
        groups: int32 (N,) or None.
        count: how many to take, 1..N-1.
        start: which of the k places to begin at, modulo k.

    Returns:
        Indices kept and indices taken, int64, each in ascending order.

    Raises:
        UsageError: if ``count`` is out of range.

    >>> kept, taken = stratified(np.array([0, 0, 1, 1], np.int32), None, 2)
    >>> kept.tolist(), taken.tolist()
    ([1, 3], [0, 2])
    """
    samples = len(labels)
    if not 1 <= count < samples:
        raise UsageError(
            f"count: cannot take {count} of {samples} samples; choose 1..{samples - 1}"
        )
    keys = (labels,) if groups is None else (labels, groups)
    order = np.lexsort(keys)
    places = np.arange(count, dtype=np.int64) * samples // count + start % (samples // count)
    taken = np.sort(order[places])
    return np.setdiff1d(np.arange(samples, dtype=np.int64), taken), taken


def with_every_class(
    labels: NDArray[np.int32], kept: NDArray[np.int64], taken: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The split ``kept``, ``taken`` with a sample of every class among ``kept``.

    A class with one sample, or one in a group, may have been taken whole; nothing could learn it.

    Args:
        labels: int32 (N,).
        kept: int64, indices of training samples, ascending.
        taken: int64, indices of held-out samples, ascending.

    >>> with_every_class(np.array([0, 0, 1], np.int32), np.array([0]), np.array([1, 2]))
    (array([0, 2]), array([1]))
    """
    absent = ~np.isin(labels[taken], labels[kept])
    _, first = np.unique(labels[taken][absent], return_index=True)
    moved = taken[absent][first]
    if len(moved) == len(taken):
        return kept, taken
    return np.sort(np.append(kept, moved)), np.setdiff1d(taken, moved)
