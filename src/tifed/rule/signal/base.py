"""What every signal front end is: a fixed integer map from a sensor's readings to features."""

import hashlib
from abc import ABC, abstractmethod
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tifed.rule.network.value_ranges import Range


class SignalFrontEnd(ABC):
    """A fixed integer map from a stretch of a sensor's readings to int8 features.

    It has no weights, depends on one stretch of readings alone, and gives the same integers on
    every machine: no floating point, nothing random. A device computes it itself, from its own
    readings, so the features are what a data set's samples consist of (`Dataset.signal`).

    Attributes:
        name: as an experiment's ``front_end`` has it.
        axes: readings at a time, 1 for one microphone.
    """

    name: str
    axes: int

    @property
    @abstractmethod
    def output_shape(self) -> tuple[int, ...]:
        """Of a sample's features: (rows, columns, channels) of a plane, or (values,)."""

    @property
    @abstractmethod
    def description(self) -> str:
        """All that decides a feature, as text: another text where a feature could be another."""

    @abstractmethod
    def compute(self, readings: NDArray[np.int16]) -> NDArray[np.int8]:
        """Features int8 (F,) of readings int16 (T, axes), by the oracle.

        Raises:
            UsageError: if the readings have another type or shape than it takes.
        """

    @abstractmethod
    def ranges(self) -> tuple[Range, ...]:
        """Every intermediate's worst case, over all possible readings."""

    @property
    @abstractmethod
    def memory(self) -> int:
        """Bytes of the caller's memory that the C core needs for it beside the features."""

    @property
    def features(self) -> int:
        """How many features a sample has."""
        return int(np.prod(self.output_shape))

    @property
    def feature_names(self) -> tuple[str, ...]:
        """One per feature; empty if they have none."""
        return ()

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of `description`."""
        return hashlib.sha256(self.description.encode()).hexdigest()
