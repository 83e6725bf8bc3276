"""A fleet some of whose devices fail each round, for experiments with faults."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tifed.federation import (
    DeviceCounts,
    DeviceScore,
    FeatureSums,
    Fleet,
    OwnDataFleet,
    PersonalScore,
    PersonalWork,
    Plan,
    Update,
    with_own_data,
)
from tifed.rule.integer import Purpose, below, stream_key
from tifed.rule.integer.rounding import Integers
from tifed.rule.network import Parameters

SCALE = 1_000_000
"""Probabilities are compared as whole millionths."""


Fails = Callable[[int, int], bool]
"""From a device and a round to whether it fails then."""


def failing(fleet: Fleet) -> Fails:
    """Which devices of ``fleet`` the seed lets fail when; none of them, unless it is faulty."""
    if isinstance(fleet, FaultyFleet):
        return fleet.fails
    return lambda device, number: False


@dataclass(frozen=True)
class FaultyFleet:
    """Passes work on, except to devices that the seed lets fail in that round.

    A failing device is sent the parameters but never answers; its samples of that round are lost.

    Attributes:
        fleet: who does the work of the others.
        seed: of the experiment.
        millionths: probability that a device fails a round, times 1,000,000.
    """

    fleet: Fleet
    seed: int
    millionths: int

    def fails(self, device: int, number: int) -> bool:
        """Whether ``device`` fails in round ``number``."""
        return bool(self._failing(np.array([device], np.int64), number)[0])

    def _failing(self, devices: Integers, number: int) -> NDArray[np.bool_]:
        """Flags of those that do."""
        key = stream_key(self.seed, Purpose.FAULT, number)
        return below(key, devices, SCALE) < self.millionths

    def calibrate(self, devices: Sequence[int], samples: int) -> Iterable[FeatureSums]:
        """Every device takes part in the calibration round."""
        return self.fleet.calibrate(devices, samples)

    def fit(self, plan: Plan, parameters: Parameters) -> Iterable[Update]:
        """The updates of the devices that do not fail."""
        jobs = plan.jobs.at(~self._failing(plan.jobs.device, plan.round))
        return self.fleet.fit(replace(plan, jobs=jobs), parameters)

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
