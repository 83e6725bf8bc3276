"""Which device owns which samples."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tifed.errors import UsageError


@dataclass(frozen=True, eq=False)
class Partition:
    """For each device the indices of its samples, in the order of its private stream.

    Attributes:
        indices: one int64 array per device, each index 0..samples-1 and at most once overall;
            read-only. Samples that nobody owns are allowed.
        samples: how many samples the data set has.
        kind: how the partition was made, for messages and reports: "iid", "dirichlet", ...

    Raises:
        UsageError: if a device has no samples, or an index is out of range or used twice.

    >>> partition = explicit([[2, 0], [1]], samples=4)
    >>> len(partition), partition.sizes.tolist()
    (2, [2, 1])
    """

    indices: tuple[NDArray[np.int64], ...]
    samples: int
    kind: str

    def __post_init__(self) -> None:
        if not self.indices:
            raise UsageError("devices: a partition needs at least one")
        views = []
        for device, owned in enumerate(self.indices):
            if len(owned) == 0:
                raise UsageError(
                    f"an empty partition: device {device} of {len(self.indices)} would own no "
                    f"sample ({self.kind}); {_REMEDIES.get(self.kind, 'give it some')}"
                )
            if owned.ndim != 1 or owned.dtype.kind not in "iu":
                raise UsageError(
                    f"device {device}: indices must be integers in one dimension, "
                    f"not {owned.dtype} of shape {owned.shape}"
                )
            if int(owned.min()) < 0 or int(owned.max()) >= self.samples:
                wrong = int(owned[(owned < 0) | (owned >= self.samples)][0])
                raise UsageError(
                    f"device {device}: index {wrong} is not in 0..{self.samples - 1}, "
                    "the samples of the data set"
                )
            view = np.ascontiguousarray(owned, dtype=np.int64).view()
            view.flags.writeable = False
            views.append(view)
        object.__setattr__(self, "indices", tuple(views))
        uses = np.bincount(np.concatenate(views), minlength=self.samples)
        if int(uses.max()) > 1:
            raise UsageError(
                f"sample {int(uses.argmax())}: is owned {int(uses.max())} times; "
                "a sample belongs to one device at most, and once"
            )

    def __len__(self) -> int:
        """The number of devices K."""
        return len(self.indices)

    @property
    def sizes(self) -> NDArray[np.int64]:
        """How many samples each device owns, int64 (K,)."""
        return np.array([len(owned) for owned in self.indices], dtype=np.int64)

    @property
    def digest(self) -> str:
        """SHA-256 (hex) over the devices' indices in order."""
        digest = hashlib.sha256(b"tifed partition 1\n")
        digest.update(self.sizes.astype("<i8").tobytes())
        for owned in self.indices:
            digest.update(owned.astype("<i8").tobytes())
        return digest.hexdigest()

    def table(self, labels: NDArray[np.int32], classes: int) -> NDArray[np.int64]:
        """How many samples of each class each device owns.

        Args:
            labels: int32 (samples,), each 0..classes-1.
            classes: C.

        Returns:
            int64 (K, C).

        Raises:
            UsageError: if the labels are not those of the samples.
        """
        check_labels(labels, classes)
        if len(labels) != self.samples:
            raise UsageError(
                f"labels: {len(labels)}, but the partition is one of {self.samples} samples"
            )
        rows = [np.bincount(labels[owned], minlength=classes) for owned in self.indices]
        return np.array(rows, dtype=np.int64)

    def limited(self, most: int) -> "Partition":
        """The same partition with only the first ``most`` samples (1 or more) of each device.

        Raises:
            UsageError: if ``most`` is not 1 or more.
        """
        if most < 1:
            raise UsageError(f"limit_per_device: {most} is not a whole number of 1 or more")
        return Partition(tuple(owned[:most] for owned in self.indices), self.samples, self.kind)


_REMEDIES = {
    "iid": "use fewer devices or more samples",
    "dirichlet": "use a larger alpha, fewer devices or more samples",
    "quantity-skew": "use a larger alpha, fewer devices or more samples",
    "shards": "use fewer devices or fewer classes per device",
    "by-group": "use fewer devices",
}


def explicit(indices: Sequence[Sequence[int] | NDArray[np.int64]], samples: int) -> Partition:
    """A partition that the caller made.

    Args:
        indices: for each device the indices of its samples, in the order in which it meets them.
        samples: how many samples the data set has.

    Raises:
        UsageError: as `Partition` does.
    """
    arrays = [np.asarray(owned) for owned in indices]
    return Partition(
        tuple(a.astype(np.int64) if a.size == 0 else a for a in arrays), samples, "explicit"
    )


def check_labels(labels: NDArray[np.int32], classes: int | None = None) -> None:
    """Labels must be integers from 0, in one dimension.

    Raises:
        UsageError: if they are not, or reach ``classes``.
    """
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or labels.size == 0:
        raise UsageError(
            "labels: must be integers in one dimension, one or more, "
            f"not {labels.dtype} of shape {labels.shape}"
        )
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or (classes is not None and high >= classes):
        raise UsageError(
            f"labels: {low if low < 0 else high} is not in "
            f"0..{'' if classes is None else classes - 1}; classes are numbered from 0"
        )
