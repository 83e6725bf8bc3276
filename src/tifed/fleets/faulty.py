"""A fleet some of whose devices fail each round, for experiments with faults."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tifed.federation import (
    Fleet,
    Plan,
    Update,
)
from tifed.fleets.passing import PassingFleet
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
class FaultyFleet(PassingFleet):
    """Passes work on, except to devices that the seed lets fail in that round.

    A failing device is sent the parameters but never answers; its samples of that round are lost.
    Every device takes part in the calibration, and scores the model.

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

    def fit(self, plan: Plan, parameters: Parameters) -> Iterable[Update]:
        """The updates of the devices that do not fail."""
        jobs = plan.jobs.at(~self._failing(plan.jobs.device, plan.round))
        return self.fleet.fit(replace(plan, jobs=jobs), parameters)
