"""A kind of partition: runs of consecutive samples, as when a recording is cut by time."""

import numpy as np
from pydantic import Field

from tifed.data import Samples
from tifed.data.partition import Partition, PartitionKind
from tifed.errors import UsageError


class Blocks(PartitionKind):
    """Device 0 has the first samples of the file, device 1 the next ones, and so on."""

    gap: int = Field(0, ge=0, description="samples between two devices that nobody has")

    def deal(self, samples: Samples, devices: int, seed: int) -> Partition:
        """Blocks of nearly equal length; nothing in them is random."""
        del seed
        count = len(samples)
        if count < devices * (self.gap + 1):
            raise UsageError(
                f"partition.gap: {count} samples are too few for {devices} devices with gaps of "
                f"{self.gap}; use fewer devices or a smaller gap"
            )
        blocks = np.array_split(np.arange(count, dtype=np.int64), devices)
        return Partition(tuple(block[self.gap :] for block in blocks), count, "blocks")
