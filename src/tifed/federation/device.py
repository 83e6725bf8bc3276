"""A device: a private stream of samples, a small buffer, a local round, an update."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tifed.federation import FeatureSums, Job, Plan, Update, device_update
from tifed.rule.integer.rounding import Integers
from tifed.rule.learning import FeedbackMatrices, LocalWork
from tifed.rule.learning.engine import Engine
from tifed.rule.network import Network, Parameters


@dataclass(frozen=True)
class Stream:
    """One device's samples in the order in which it meets them; past the end it starts over.

    Attributes:
        samples: int8 (M, D), of the whole data set; devices share the array.
        labels: int32 (M,).
        order: int64 (n,), which of them are the device's, and when.
    """

    samples: NDArray[np.int8]
    labels: NDArray[np.int32]
    order: Integers

    def __len__(self) -> int:
        return len(self.order)

    def read(self, position: int, count: int) -> tuple[NDArray[np.int8], NDArray[np.int32]]:
        """``count`` samples from ``position`` on: (count, D) and (count,)."""
        taken = self.order[(position + np.arange(count)) % len(self.order)]
        return self.samples[taken], self.labels[taken]


def calibrate(device: int, stream: Stream, count: int) -> FeatureSums:
    """Feature sums over the stream's first ``count`` samples, or all if it has fewer."""
    samples, _ = stream.read(0, min(count, len(stream)))
    return FeatureSums(samples.sum(axis=0, dtype=np.int64), len(samples), np.array([device]))


def local_round(
    engine: Engine,
    network: Network,
    parameters: Parameters,
    feedback: FeedbackMatrices,
    stream: Stream,
    plan: Plan,
    job: Job,
    batch: int,
    seed: int,
) -> Update:
    """Fill the buffer, train on it, and give back the layers that were trained."""
    samples, labels = stream.read(job.position, job.samples)
    work = LocalWork(
        batch=batch,
        first_step=job.first_step,
        steps=job.steps,
        layers=job.layers,
        extra_shift=plan.extra_shift,
        seed=seed,
        device=job.device,
        exchange=plan.exchange,
    )
    trained, statistics = engine.train(network, parameters, feedback, samples, labels, work)
    return device_update(job.device, trained, job.layers, job.samples, statistics)
