"""Devices with data of their own that a node simulates, by the terms of the node's owner."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from tifed.experiment import Setup
from tifed.federation import (
    DeviceCounts,
    DeviceScore,
    FeatureSums,
    PersonalScore,
    PersonalWork,
    Plan,
    Update,
)
from tifed.fleets import SimulatedFleet
from tifed.nodes.least import LeastSamples
from tifed.rule.network import Parameters


@dataclass(frozen=True)
class OwnHostedFleet:
    """The hosted devices of an experiment with own data.

    Devices that have too few samples for what is asked are left out of it.

    Attributes:
        setup: the experiment's data and constants, and its fleet of all devices.
        devices: those that are hosted.
        least: how few samples may stand behind what leaves the node.
    """

    setup: Setup
    devices: range
    least: LeastSamples

    def calibrate(self, devices: Sequence[int], samples: int) -> Iterable[FeatureSums]:
        """Feature sums over the first training samples of ``devices``."""
        few = self.too_few("calibrate")
        return self.setup.fleet.calibrate([one for one in devices if one not in few], samples)

    def fit(self, plan: Plan, parameters: Parameters) -> Iterator[Update]:
        """The updates of devices in ``plan``."""
        few = self.too_few("fit")
        lacking = [one for one in plan.jobs.device.tolist() if one in few]
        if lacking:
            yield Update(absent={one: few[one] for one in lacking})
        jobs = plan.jobs.at(~np.isin(plan.jobs.device, lacking))
        yield from self.setup.fleet.fit(replace(plan, jobs=jobs), parameters)

    def evaluate(self, parameters: Parameters) -> Iterable[DeviceScore]:
        """Scores of the hosted devices on their held-out samples."""
        return self.setup.inputs.scores(parameters, self._enough("evaluate"))

    def counts(self) -> Iterator[DeviceCounts]:
        """How many samples the hosted devices have."""
        return map(self.least.told, self.setup.inputs.counts(self.devices))

    def keep(self, parameters: Parameters, number: int) -> None:
        """Nothing to do: a simulated device has nowhere to keep a model."""

    def personalise(self, parameters: Parameters, work: PersonalWork) -> Iterator[PersonalScore]:
        """Personal rounds of the hosted devices."""
        simulated = SimulatedFleet(self.setup.inputs)
        for device in self._enough("personalise"):
            score = simulated.personal_score(device, parameters, work)
            if score is not None:
                yield score

    def close(self) -> None:
        """Close the fleet beneath."""
        self.setup.fleet.close()

    def too_few(self, kind: str) -> dict[int, str]:
        """The hosted devices with too few samples for messages of ``kind``, in words."""
        return self.least.without(self._counts, kind)

    def _enough(self, kind: str) -> list[int]:
        """The hosted devices that have enough of them."""
        few = self.too_few(kind)
        return [device for device in self.devices if device not in few]

    @cached_property
    def _counts(self) -> dict[int, DeviceCounts]:
        return {one.device: one for one in self.setup.inputs.counts(self.devices)}
