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
        order: int64 (n,), which of them are the device's, and when; one that the experiment's
            class weights repeat stands there more than once.
        copies: int8 (copies, M, D), of which each visit in training takes one, the first of them
            ``samples``; None if each visit takes the sample.
    """

    samples: NDArray[np.int8]
    labels: NDArray[np.int32]
    order: Integers
    copies: NDArray[np.int8] | None = None

    def __len__(self) -> int:
        return len(self.order)

    def read(self, position: int, count: int) -> tuple[NDArray[np.int8], NDArray[np.int32]]:
        """``count`` samples from ``position`` on: (count, D) and (count,)."""
        taken = self._taken(position, count)
        return self.samples[taken], self.labels[taken]

    def read_for_training(
        self, position: int, count: int
    ) -> tuple[NDArray[np.int8], NDArray[np.int32]]:
        """The same as engines train on: with copies (copies, count, D), and (count,)."""
        if self.copies is None:
            return self.read(position, count)
        taken = self._taken(position, count)
        return self.copies.take(taken, axis=1), self.labels[taken]

    def own(self) -> tuple[NDArray[np.int8], NDArray[np.int32]]:
        """Every sample of the device once, in the order of the data set: (n, D) and (n,)."""
        taken = np.unique(self.order)
        return self.samples[taken], self.labels[taken]

    def _taken(self, position: int, count: int) -> Integers:
        """Which samples those are."""
        return self.order[(position + np.arange(count)) % len(self.order)]


def calibrate(device: int, stream: Stream, count: int) -> FeatureSums:
    """Feature sums over the stream's first ``count`` samples, or all if it has fewer."""
    samples, _ = stream.read(0, min(count, len(stream)))
    total = samples.sum(axis=0, dtype=np.int64)
    squares = int(np.square(samples, dtype=np.int64).sum())
    return FeatureSums(total, squares, len(samples), np.array([device]))
