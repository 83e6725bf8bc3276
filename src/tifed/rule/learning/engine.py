"""Engines: implementations of the learning rule, all with the same results."""

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from tifed.rule.learning import oracle
from tifed.rule.learning.feedback import FeedbackMatrices
from tifed.rule.learning.work import (
    FleetResult,
    FleetWork,
    LocalWork,
    SharedSamples,
    Statistics,
)
from tifed.rule.network import Network, Parameters


class Engine(Protocol):
    """The learning rule, whoever computes it."""

    def train(
        self,
        network: Network,
        parameters: Parameters,
        feedback: FeedbackMatrices,
        samples: NDArray[np.int8],
        labels: NDArray[np.int32],
        work: LocalWork,
    ) -> tuple[Parameters, Statistics]:
        """One device's local work; see `tifed.rule.learning.oracle.train`."""

    def classify(
        self, network: Network, parameters: Parameters, samples: NDArray[np.int8]
    ) -> NDArray[np.int32]:
        """The class (N,) of each sample (N, D)."""


class Oracle:
    """The executable specification, in NumPy."""

    train = staticmethod(oracle.train)
    classify = staticmethod(oracle.classify)


@runtime_checkable
class FleetEngine(Engine, Protocol):
    """An engine that does many devices' work at once and gives back only their sum."""

    def train_fleet(
        self,
        network: Network,
        parameters: Parameters,
        feedback: FeedbackMatrices,
        shared: SharedSamples,
        work: FleetWork,
    ) -> FleetResult:
        """What all of them have made; see `tifed.native.engine.Native.train_fleet`."""
