"""The kinds of partition: who owns which samples, from a seed.

Each kind shuffles all samples once and then names an owner for each place of the shuffled order; a
device's private stream is its samples in that order. Everything is integer arithmetic on
counter-based random numbers, so a seed gives the same partition on every machine.
"""

import numpy as np
from numpy.typing import NDArray

from tifed.data.partition.partition import Partition, check_labels
from tifed.data.partition.urn import urn
from tifed.errors import UsageError
from tifed.rule.integer import Purpose, permutation, stream_key

_SHUFFLE, _DIRICHLET, _QUANTITY, _SHARDS, _GROUPS = range(5)  # first index of the random streams
_ATTEMPTS = 50


def iid(
    labels: NDArray[np.int32], devices: int, seed: int, *, limit_per_device: int | None = None
) -> Partition:
    """Shuffle, then deal one sample to each device in turn.

    Args:
        labels: int32 (N,); only their number matters.
        devices: K, 1..N. The devices' sizes differ by at most one.
        seed: 0..2**64 - 1.
        limit_per_device: the most samples a device keeps; the rest stay unused.

    Raises:
        UsageError: if an argument is out of range.

    >>> [owned.tolist() for owned in iid(np.zeros(5, np.int32), 2, seed=1).indices]
    [[1, 4, 2], [3, 0]]
    """
    order = _shuffled(labels, devices, seed)
    partition = _partition(order, np.arange(len(order)) % devices, devices, "iid")
    return partition if limit_per_device is None else partition.limited(limit_per_device)


def dirichlet(
    labels: NDArray[np.int32], devices: int, alpha: float, seed: int, minimum: int = 1
) -> Partition:
    """Give each class its own unequal shares among the devices (label skew).

    The shares of a class are Dirichlet-distributed with parameter ``alpha`` for every device: 100
    is nearly IID, 0.1 gives most of a class to one or two devices. Each sample of the class goes
    to a device drawn with these shares; how, without a logarithm: `tifed.data.partition.urn`.

    If a device ends up with fewer than ``minimum`` samples all shares are drawn anew, up to 50
    times.

    Args:
        labels: int32 (N,).
        devices: K, 1..N.
        alpha: 2**-16 .. 10**6, rounded to a multiple of 2**-16.
        seed: 0..2**64 - 1.
        minimum: samples that each device must have, 1 or more.

    Raises:
        UsageError: if an argument is out of range, or no draw gives each device enough.
    """
    order = _shuffled(labels, devices, seed)
    shuffled = labels[order]
    places = [np.flatnonzero(shuffled == label) for label in np.unique(labels)]
    owners = np.empty(len(order), dtype=np.int64)
    for attempt in range(_ATTEMPTS):
        for label, place in enumerate(places):
            key = stream_key(seed, Purpose.PARTITION, _DIRICHLET, attempt, label)
            owners[place] = urn(key, len(place), devices, alpha)
        if _enough(owners, devices, minimum):
            break
    return _with_minimum(order, owners, devices, "dirichlet", minimum, alpha)


def quantity_skew(
    labels: NDArray[np.int32], devices: int, alpha: float, seed: int, minimum: int = 1
) -> Partition:
    """Give the devices unequal numbers of samples, of all classes alike.

    The devices' shares of all samples are Dirichlet-distributed with parameter ``alpha``.

    Args:
        labels: int32 (N,); only their number matters.
        devices: K, 1..N.
        alpha: as for `dirichlet`; smaller is more unequal.
        seed: 0..2**64 - 1.
        minimum: samples that each device must have, 1 or more; shares are drawn up to 50 times.

    Raises:
        UsageError: as `dirichlet` does.
    """
    order = _shuffled(labels, devices, seed)
    owners = np.empty(0, dtype=np.int64)
    for attempt in range(_ATTEMPTS):
        key = stream_key(seed, Purpose.PARTITION, _QUANTITY, attempt)
        owners = urn(key, len(order), devices, alpha)
        if _enough(owners, devices, minimum):
            break
    return _with_minimum(order, owners, devices, "quantity-skew", minimum, alpha)


def shards(
    labels: NDArray[np.int32], devices: int, classes_per_device: int, seed: int
) -> Partition:
    """Cut the classes into shards and deal each device the same number (McMahan et al., 2017).

    There are ``devices * classes_per_device`` shards. Each class is cut into a number of them in
    proportion to its size, at least one, and into equal parts: unlike in the paper no shard lies
    across two classes, so no device has more than ``classes_per_device`` classes. It has fewer if
    it is dealt two shards of one class.

    Args:
        labels: int32 (N,), of C different values.
        devices: K, 1..N.
        classes_per_device: shards per device, with K * classes_per_device >= C.
        seed: 0..2**64 - 1.

    Raises:
        UsageError: if an argument is out of range, or a class would get no shard.
    """
    order = _shuffled(labels, devices, seed)
    shuffled = labels[order]
    present, counts = np.unique(labels, return_counts=True)
    if classes_per_device < 1 or classes_per_device > len(present):
        raise UsageError(
            f"classes_per_device: {classes_per_device} is not in 1..{len(present)}, "
            "the classes that occur"
        )
    total = devices * classes_per_device
    if total < len(present):
        raise UsageError(
            f"classes_per_device: {devices} devices of {classes_per_device} classes cannot hold "
            f"all {len(present)} classes; use at least "
            f"{-(-len(present) // devices)} classes per device or more devices"
        )
    cuts = _proportional(counts, total)
    dealt = permutation(stream_key(seed, Purpose.PARTITION, _SHARDS), total) % devices
    owners = np.empty(len(order), dtype=np.int64)
    first = 0
    for label, count, parts in zip(present, counts, cuts, strict=True):
        place = np.flatnonzero(shuffled == label)
        owners[place] = dealt[first + np.arange(count) * parts // count]
        first += parts
    return _partition(order, owners, devices, "shards")


def by_group(groups: NDArray[np.int32], devices: int | None, seed: int) -> Partition:
    """Keep each group's samples together: a device per speaker, per site, per user.

    With as many devices as groups, device d owns the d-th group that occurs. With fewer, shuffled
    groups are dealt to the devices in turn, so their numbers of groups differ by at most one. With
    more, shuffled groups are given devices in turn, and the devices of one group share it evenly.

    Args:
        groups: int32 (N,), the group of each sample.
        devices: K, or None for one per group.
        seed: 0..2**64 - 1.

    Raises:
        UsageError: if an argument is out of range, or a group has fewer samples than devices.
    """
    present, group = np.unique(groups, return_inverse=True)
    count = len(present)
    devices = count if devices is None else devices
    order = _shuffled(groups, devices, seed)
    group = group[order]
    if devices == count:
        return _partition(order, group, devices, "by-group")
    dealt = permutation(stream_key(seed, Purpose.PARTITION, _GROUPS), count)
    if devices < count:
        return _partition(order, dealt[group] % devices, devices, "by-group")
    owners = np.empty(len(order), dtype=np.int64)
    for index in range(count):
        place = np.flatnonzero(group == index)
        mine = np.arange(dealt[index], devices, count)
        owners[place] = mine[np.arange(len(place)) % len(mine)]
    return _partition(order, owners, devices, "by-group")


def _shuffled(labels: NDArray[np.int32], devices: int, seed: int) -> NDArray[np.int64]:
    """A random order of all samples; the arguments that every kind has are checked here."""
    check_labels(labels)
    if not 1 <= devices <= len(labels):
        raise UsageError(
            f"devices: {devices} is not in 1..{len(labels)}; an empty partition would be left, "
            "for each device needs a sample: use fewer devices or more samples"
        )
    if not 0 <= seed < 1 << 64:
        raise UsageError(f"seed: {seed} is not in 0..2**64 - 1")
    return permutation(stream_key(seed, Purpose.PARTITION, _SHUFFLE), len(labels))


def _partition(
    order: NDArray[np.int64], owners: NDArray[np.int64], devices: int, kind: str
) -> Partition:
    """Each device's samples in shuffled order."""
    by_owner = order[np.argsort(owners, kind="stable")]
    edges = np.cumsum(np.bincount(owners, minlength=devices))[:-1]
    return Partition(tuple(np.split(by_owner, edges)), len(order), kind)


def _enough(owners: NDArray[np.int64], devices: int, minimum: int) -> bool:
    """Whether each device owns ``minimum`` samples."""
    return int(np.bincount(owners, minlength=devices).min()) >= minimum


def _with_minimum(
    order: NDArray[np.int64],
    owners: NDArray[np.int64],
    devices: int,
    kind: str,
    minimum: int,
    alpha: float,
) -> Partition:
    """The last draw, if it gives each device ``minimum`` samples."""
    if minimum < 1:
        raise UsageError(f"minimum: {minimum} is not a whole number of 1 or more")
    sizes = np.bincount(owners, minlength=devices)
    if int(sizes.min()) < minimum:
        poorest = int(sizes.argmin())
        raise UsageError(
            f"{'an empty partition' if sizes[poorest] == 0 else 'too small a partition'}: "
            f"{kind} with alpha={alpha:g} leaves device {poorest} of {devices} with "
            f"{sizes[poorest]} of at least {minimum} samples, even the last of {_ATTEMPTS} times; "
            "use a larger alpha, fewer devices or more samples"
        )
    return _partition(order, owners, devices, kind)


def _proportional(counts: NDArray[np.int64], total: int) -> list[int]:
    """Divide ``total`` in proportion to ``counts``, one at least for each (largest remainder)."""
    spare = total - len(counts)
    parts = counts * spare // counts.sum()
    remainders = counts * spare % counts.sum()
    richest = np.argsort(-remainders, kind="stable")[: spare - int(parts.sum())]
    parts[richest] += 1
    return [int(part) + 1 for part in parts]
