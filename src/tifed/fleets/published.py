"""The published code's accident as a fleet: all workers share one weight array.

The published loops run epoch, then mini-batch, then worker, and update in place. Until the first
average the workers have arrays of their own, all equal to the start. The average is then handed to
every worker as the *same* array, so from then on each worker trains on what the worker before it
has just left: sequential training of one model, of which the "average" is over snapshots.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tifed.federation import DeviceScore, FeatureSums, Plan, Update, device_update
from tifed.federation.device import local_round
from tifed.fleets.simulated import SimulatedFleet
from tifed.rule.learning import LocalWork, Statistics
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
        own = self.devices
        for job in plan.jobs:
            yield local_round(
                own.engine, own.network, parameters, own.feedback, own.streams[job.device],
                plan, job, own.batch, own.seed,
            )  # fmt: skip

    def evaluate(self, parameters: Parameters) -> Iterable[DeviceScore]:
        """Scores of each worker on its own stream."""
        return self.devices.evaluate(parameters)

    def close(self) -> None:
        """Close the fleet beneath."""
        self.devices.close()

    def _on_one_array(self, plan: Plan, shared: Parameters) -> Iterator[Update]:
        """One mini-batch of each worker in turn, each on what the one before it left."""
        own = self.devices
        buffers = {
            job.device: own.streams[job.device].read(job.position, job.samples) for job in plan.jobs
        }
        counts = dict.fromkeys(buffers, Statistics())
        first = min((job.first_step for job in plan.jobs), default=0)
        end = max((job.first_step + job.steps for job in plan.jobs), default=0)
        for step in range(first, end):
            for job in plan.jobs:
                last = job.first_step + job.steps - 1
                if not job.first_step <= step <= last:
                    continue  # a shorter buffer than the others'
                work = LocalWork(
                    batch=own.batch,
                    first_step=step,
                    steps=1,
                    layers=job.layers,
                    extra_shift=plan.extra_shift,
                    seed=own.seed,
                    device=job.device,
                    exchange=plan.exchange,
                )
                shared, counted = own.engine.train(
                    own.network, shared, own.feedback, *buffers[job.device], work
                )
                counts[job.device] += counted
                if step == last:
                    yield device_update(
                        job.device, shared, job.layers, job.samples, counts[job.device]
                    )
