"""Fleets that stand before another one: they pass on what they do not change."""

from collections.abc import Iterable, Sequence

from tifed.federation import (
    DeviceCounts,
    DeviceScore,
    FeatureSums,
    Fleet,
    OwnDataFleet,
    PersonalScore,
    PersonalWork,
    with_own_data,
)
from tifed.rule.network import Parameters


class PassingFleet:
    """Passes everything but `fit` on to another fleet; a subclass says what it changes.

    Attributes:
        fleet: who does the work.
    """

    fleet: Fleet

    def calibrate(self, devices: Sequence[int], samples: int) -> Iterable[FeatureSums]:
        """The feature sums of ``devices``."""
        return self.fleet.calibrate(devices, samples)

    def evaluate(self, parameters: Parameters) -> Iterable[DeviceScore]:
        """Scores of all devices."""
        return self.fleet.evaluate(parameters)

    def counts(self) -> Iterable[DeviceCounts]:
        """The counts of all devices, if they have samples of their own."""
        return self._own.counts()

    def keep(self, parameters: Parameters, number: int) -> None:
        """Give the model to all devices, if they have samples of their own."""
        self._own.keep(parameters, number)

    def personalise(self, parameters: Parameters, work: PersonalWork) -> Iterable[PersonalScore]:
        """Personal rounds of all devices, if they have samples of their own."""
        return self._own.personalise(parameters, work)

    @property
    def _own(self) -> OwnDataFleet:
        """The fleet beneath as one whose devices have samples of their own."""
        return with_own_data(self.fleet)

    def close(self) -> None:
        """Close the fleet beneath."""
        self.fleet.close()
