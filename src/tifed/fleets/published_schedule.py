"""The published code's accident as a fleet: all workers share one weight array.

The published loops run epoch, then mini-batch, then worker, and update in place. Until the first
average the workers have arrays of their own, all equal to the start. The average is then handed to
every worker as the *same* array, so from then on each worker trains on what the worker before it
has just left: sequential training of one model, of which the "average" is over snapshots.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from tifed.federation import DeviceScore, FeatureSums, Plan, Update, device_update
from tifed.fleets.simulated import SimulatedFleet
from tifed.rule.learning import Statistics
from tifed.rule.network import Parameters

LABEL = "published schedule: all workers share one weight array after the first average"
"""What every output that comes from this fleet says."""


@dataclass(frozen=True)
class PublishedFleet:
    """Emulates the published schedule exactly; not federated averaging, and not for devices.

    Attributes:
        devices: the workers' samples, and who computes the learning rule.
    """

    devices: SimulatedFleet

    def calibrate(self, devices: Sequence[int], samples: int) -> Iterable[FeatureSums]:
        """Feature sums of each of ``devices``; the published recipe has no use for them."""
        return self.devices.calibrate(devices, samples)

    def fit(self, plan: Plan, parameters: Parameters) -> Iterator[Update]:
        """Every worker's snapshot: what its array holds after its last mini-batch."""
        if plan.exchange > 0:
            yield from self._on_one_array(plan, parameters)
            return
        for job in plan.jobs:
            yield self.devices.local_round(plan, job, parameters)

    def evaluate(self, parameters: Parameters) -> Iterable[DeviceScore]:
        """Scores of each worker on its own stream."""
        return self.devices.evaluate(parameters)

    def close(self) -> None:
        """Close the fleet beneath."""
        self.devices.close()

    def _on_one_array(self, plan: Plan, shared: Parameters) -> Iterator[Update]:
        """One mini-batch of each worker in turn, each on what the one before it left."""
        counts = dict.fromkeys((job.device for job in plan.jobs), Statistics())
        first = min((job.first_step for job in plan.jobs), default=0)
        end = max((job.first_step + job.steps for job in plan.jobs), default=0)
        for step in range(first, end):
            for job in plan.jobs:
                last = job.first_step + job.steps - 1
                if not job.first_step <= step <= last:
                    continue  # a shorter buffer than the others'
                one_step = replace(job, first_step=step, steps=1)
                shared, counted = self.devices.train(plan, one_step, shared)
                counts[job.device] += counted
                if step == last:
                    yield device_update(
                        job.device, shared, job.layers, job.samples, counts[job.device]
                    )
