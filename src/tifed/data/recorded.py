"""What a sensor recorded: the readings that a signal front end made samples of."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tifed.errors import UsageError


@dataclass(frozen=True, eq=False)
class Recorded:
    """Readings as the sensor gave them, and which of them each sample was made of.

    Samples may share readings, as windows that overlap do.

    Attributes:
        readings: int16 (rows, axes), the readings of all axes at one time in a row.
        first: int64 (N,), the row of the first reading of each sample.
        count: int64 (N,), how many rows each sample was made of, 1 or more.
        turned: bool (N,), whether the device was worn on the side of the body where the front end
            turns axes round; the readings are as they were before that.

    Raises:
        UsageError: if dtypes or shapes disagree with the above, or a row is not there.
    """

    readings: NDArray[np.int16]
    first: NDArray[np.int64]
    count: NDArray[np.int64]
    turned: NDArray[np.bool_]

    def __post_init__(self) -> None:
        if self.readings.dtype != np.int16 or self.readings.ndim != 2:
            raise UsageError(
                f"readings: must be int16 of shape (rows, axes), not {self.readings.dtype} of "
                f"shape {self.readings.shape}"
            )
        kinds = {"first": np.int64, "count": np.int64, "turned": np.bool_}
        for name, kind in kinds.items():
            column = getattr(self, name)
            if column.dtype != kind or column.shape != self.first.shape or column.ndim != 1:
                raise UsageError(
                    f"recorded.{name}: must be {np.dtype(kind)}, one for each sample, not "
                    f"{column.dtype} of shape {column.shape}"
                )
        ends = self.first + self.count
        if len(ends) and (
            self.first.min() < 0 or self.count.min() < 1 or ends.max() > len(self.readings)
        ):
            raise UsageError(
                f"recorded.first, count: a sample is made of rows outside of the "
                f"{len(self.readings)} that were recorded"
            )

    def __len__(self) -> int:
        """The number of samples N."""
        return len(self.first)

    def take(self, samples: NDArray[np.int64]) -> "Recorded":
        """What ``samples`` (int, each 0..N-1) were made of, in that order; the readings shared."""
        return Recorded(
            self.readings, self.first[samples], self.count[samples], self.turned[samples]
        )


def recorded_sounds(sounds: Sequence[NDArray[np.int16]]) -> Recorded:
    """Recordings int16 (T, axes), each of which is a sample of its own, one after another."""
    count = np.array([len(sound) for sound in sounds], np.int64)
    readings = np.concatenate(sounds)
    return Recorded(readings, np.cumsum(count) - count, count, np.zeros(len(count), np.bool_))
