"""What every front end is, TIFeD's own and those that come from outside."""

import hashlib
import math
from abc import ABC, abstractmethod
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tifed.rule.network.value_ranges import Range


class FrontEndBase(ABC):
    """A fixed integer map from a raw sample to features, for samples of one shape.

    It has no weights, depends on one sample alone, and gives the same integers on every machine:
    no floating point, nothing random.

    Attributes:
        input_shape: of a raw sample: (height, width, channels) of a picture, else (values,).
    """

    input_shape: tuple[int, ...]

    @property
    @abstractmethod
    def output_shape(self) -> tuple[int, ...]:
        """Of the features of a sample: (rows, columns, channels), or (values,)."""

    @property
    @abstractmethod
    def description(self) -> str:
        """All that decides a feature, as text: another text where a feature could be another."""

    @abstractmethod
    def compute(self, samples: NDArray[np.int8]) -> NDArray[np.int8]:
        """Features int8 (N, F) of samples int8 (N, D)."""

    @abstractmethod
    def ranges(self) -> tuple[Range, ...]:
        """Every intermediate's worst case, over all possible samples, for ``tifed ranges``."""

    @property
    def input_features(self) -> int:
        """Length D of a raw sample."""
        return math.prod(self.input_shape)

    @property
    def features(self) -> int:
        """Length F of what it gives."""
        return math.prod(self.output_shape)

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of `description`."""
        return hashlib.sha256(self.description.encode()).hexdigest()
