"""What the loop asks of a fleet; who does the work, and where, is the fleet's affair."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from tifed.federation.plan import Plan
from tifed.federation.update import Update
from tifed.rule.integer.rounding import Integers
from tifed.rule.network import Parameters


@dataclass(frozen=True)
class FeatureSums:
    """Sums over samples, for the calibration round; all that leaves a device then.

    Attributes:
        total: int64 (features,), sum of each feature.
        squares: sum of the squares of all features of all samples.
        samples: how many samples are in it.
        devices: int64 (n,), whose samples.
    """

    total: Integers
    squares: int
    samples: int
    devices: Integers


@dataclass(frozen=True)
class DeviceScore:
    """How a model does on one device's own samples.

    Attributes:
        device: its number.
        correct: samples it classifies rightly.
        samples: samples it classified.
    """

    device: int
    correct: int
    samples: int


class Fleet(Protocol):
    """Devices, wherever they are."""

    def calibrate(self, devices: Sequence[int], samples: int) -> Iterable[FeatureSums]:
        """Feature sums over the first ``samples`` samples of each device's stream."""

    def fit(self, plan: Plan, parameters: Parameters) -> Iterable[Update]:
        """The updates of those devices in ``plan`` that answer, in any order."""

    def evaluate(self, parameters: Parameters) -> Iterable[DeviceScore]:
        """How ``parameters`` do on each device's own samples."""

    def close(self) -> None:
        """Give back what the fleet holds; calling it again does nothing."""
