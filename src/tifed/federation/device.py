"""A device: a private stream of samples, and what it says about them in the calibration."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tifed.federation import FeatureSums
from tifed.rule.integer.rounding import Integers


@dataclass(frozen=True)
class Stream:
    """One device's samples in the order in which it meets them; past the end it starts over.

    Attributes:
        samples: int8 (M, D), of the whole data set; devices share the array.
        labels: int32 (M,).
        order: int64 (n,), which of them are the device's, and when.
    """

    samples: NDArray[np.int8]
    labels: NDArray[np.int32]
    order: Integers

    def __len__(self) -> int:
        return len(self.order)

    def read(self, position: int, count: int) -> tuple[NDArray[np.int8], NDArray[np.int32]]:
        """``count`` samples from ``position`` on: (count, D) and (count,)."""
        taken = self.order[(position + np.arange(count)) % len(self.order)]
        return self.samples[taken], self.labels[taken]


def calibrate(device: int, stream: Stream, count: int) -> FeatureSums:
    """Feature sums over the stream's first ``count`` samples, or all if it has fewer."""
    samples, _ = stream.read(0, min(count, len(stream)))
    total = samples.sum(axis=0, dtype=np.int64)
    squares = int(np.square(samples, dtype=np.int64).sum())
    return FeatureSums(total, squares, len(samples), np.array([device]))
