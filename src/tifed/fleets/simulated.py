"""Devices simulated in this process: in parallel where the engine can, else one after the other."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tifed.federation import DeviceScore, FeatureSums, LayerSum, Plan, Update
from tifed.federation.device import Stream, calibrate, local_round
from tifed.rule.learning import FeedbackMatrices
from tifed.rule.learning.engine import Engine, FleetEngine
from tifed.rule.network import Network, Parameters


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
            yield calibrate(device, self.streams[device], samples)

    def fit(self, plan: Plan, parameters: Parameters) -> Iterator[Update]:
        """Every device's update, or their sum in one."""
        if self._together is not None and len(plan.jobs):
            yield self._fit_together(*self._together, plan, parameters)
            return
        for job in plan.jobs:
            yield local_round(
                self.engine, self.network, parameters, self.feedback,
                self.streams[job.device], plan, job, self.batch, self.seed,
            )  # fmt: skip

    @cached_property
    def _together(self) -> "tuple[FleetEngine, SharedData] | None":
        """The engine and the devices' data as one; None if it cannot, or they do not share it."""
        first = self.streams[0]
        if not isinstance(self.engine, FleetEngine) or any(
            stream.samples is not first.samples or stream.labels is not first.labels
            for stream in self.streams
        ):
            return None
        lengths = np.array([len(stream) for stream in self.streams], np.int64)
        ends = np.cumsum(lengths)
        order = np.concatenate([stream.order for stream in self.streams]).astype(np.int64)
        return self.engine, SharedData(first.samples, first.labels, order, ends - lengths, ends)

    def _fit_together(
        self, engine: FleetEngine, data: "SharedData", plan: Plan, parameters: Parameters
    ) -> Update:
        """All devices' updates, added up by the engine itself: no device's model outlives it."""
        jobs = plan.jobs
        rows = [jobs.device, data.starts[jobs.device], data.ends[jobs.device], jobs.position,
                jobs.samples, jobs.first_step, jobs.steps, jobs.layers, jobs.samples]  # fmt: skip
        table = np.ascontiguousarray(np.array(rows, np.int64).T)
        sums, statistics = engine.train_fleet(
            self.network, parameters, self.feedback, data.samples, data.labels, data.order, table,
            batch=self.batch, extra_shift=plan.extra_shift, seed=self.seed,
            exchange=plan.exchange,
        )  # fmt: skip
        layers = {}
        for number, (weight, bias) in sums.items():
            trained = jobs.layers >> number & 1
            samples = int(trained @ jobs.samples)
            layers[number] = LayerSum(weight, bias, samples, int(trained.sum()))
        return Update(jobs.device, layers, statistics)

    def evaluate(self, parameters: Parameters) -> Iterable[DeviceScore]:
        """Scores of each device on its own stream."""
        for device, stream in enumerate(self.streams):
            samples, labels = stream.read(0, len(stream))
            predicted = self.engine.classify(self.network, parameters, samples)
            yield DeviceScore(device, int(np.count_nonzero(predicted == labels)), len(stream))

    def close(self) -> None:
        """Nothing to give back."""


@dataclass(frozen=True)
class SharedData:
    """Data that all devices read, each along its own part of ``order``.

    Attributes:
        samples: int8 (M, D).
        labels: int32 (M,).
        order: int64 (n,), every device's stream, one after the other.
        starts: int64 (devices,), where each device's part begins.
        ends: int64 (devices,), where it ends.
    """

    samples: NDArray[np.int8]
    labels: NDArray[np.int32]
    order: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
