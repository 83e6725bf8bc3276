"""Engines: implementations of the learning rule, all with the same results."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tifed.errors import UsageError
from tifed.learning import oracle
from tifed.learning.feedback import FeedbackMatrices
from tifed.learning.work import LocalWork, Statistics
from tifed.network import Network, Parameters


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
        """One device's local work; see `tifed.learning.oracle.train`."""

    def classify(
        self, network: Network, parameters: Parameters, samples: NDArray[np.int8]
    ) -> NDArray[np.int32]:
        """The class (N,) of each sample (N, D)."""


class Oracle:
    """The executable specification, in NumPy."""

    train = staticmethod(oracle.train)
    classify = staticmethod(oracle.classify)


ENGINES: dict[str, type[Engine]] = {"oracle": Oracle}


def engine(name: str) -> Engine:
    """The engine called ``name``.

    Raises:
        UsageError: if there is none.
    """
    if name not in ENGINES:
        raise UsageError(f"engine: {name!r} is not one of {', '.join(ENGINES)}")
    return ENGINES[name]()
