"""Devices simulated in this process, one after the other."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tifed.device import Stream, calibrate, local_round
from tifed.federation import DeviceScore, FeatureSums, Plan, Update
from tifed.learning import FeedbackMatrices
from tifed.learning.engine import Engine
from tifed.network import Network, Parameters


@dataclass(frozen=True)
class SimulatedFleet:
    """As many devices as there are streams; a device is its stream and nothing else.

    Attributes:
        engine: who computes the learning rule.
        network: what every device holds.
        feedback: per hidden layer int64 (classes, units).
        streams: per device its samples.
        batch: samples per mini-batch.
        seed: of the experiment.
    """

    engine: Engine
    network: Network
    feedback: FeedbackMatrices
    streams: tuple[Stream, ...]
    batch: int
    seed: int

    def calibrate(self, devices: Sequence[int], samples: int) -> Iterator[FeatureSums]:
        """Feature sums of each of ``devices``."""
        for device in devices:
            yield calibrate(self.streams[device], samples)

    def fit(self, plan: Plan, parameters: Parameters) -> Iterator[Update]:
        """Every device's update."""
        for job in plan.jobs:
            yield local_round(
                self.engine, self.network, parameters, self.feedback,
                self.streams[job.device], plan, job, self.batch, self.seed,
            )  # fmt: skip

    def evaluate(self, parameters: Parameters) -> Iterable[DeviceScore]:
        """Scores of each device on its own stream."""
        for device, stream in enumerate(self.streams):
            samples, labels = stream.read(0, len(stream))
            predicted = self.engine.classify(self.network, parameters, samples)
            yield DeviceScore(device, int(np.count_nonzero(predicted == labels)), len(stream))

    def close(self) -> None:
        """Nothing to give back."""
