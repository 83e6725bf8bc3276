"""A front end: how a series of readings changes from one to the next."""

import numpy as np
from numpy.typing import NDArray

from tifed.rule.front_end import FrontEndBase
from tifed.rule.network.value_ranges import Range


class Slopes(FrontEndBase):
    """Half of what each value is more than the one before it; the first is compared with 0."""

    def __init__(self, input_shape: tuple[int, ...]) -> None:
        self.input_shape = input_shape

    @property
    def output_shape(self) -> tuple[int, ...]:
        """As many features as values."""
        return (self.input_features,)

    @property
    def description(self) -> str:
        """Another version where a feature could be another."""
        return f"slopes, version 1, {self.input_features} values"

    def compute(self, samples: NDArray[np.int8]) -> NDArray[np.int8]:
        """Features int8 (N, D) of samples int8 (N, D)."""
        wide = np.pad(samples.astype(np.int16), ((0, 0), (1, 0)))
        return ((wide[:, 1:] - wide[:, :-1]) >> 1).astype(np.int8)

    def ranges(self) -> tuple[Range, ...]:
        """How far a difference of two int8 can go, and its half."""
        return (
            Range(None, "difference", -255, 255, 16, "two samples"),
            Range(None, "slope", -128, 127, 8, "difference >> 1"),
        )
