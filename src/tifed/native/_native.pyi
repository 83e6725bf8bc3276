"""Types of the extension module."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

def kernels() -> list[str]: ...
def peak(name: str, rounds: int) -> int: ...
def extraction_kernels() -> list[str]: ...

class Extractor:
    def __init__(
        self,
        shape: Sequence[int],
        zero: int,
        layers: Sequence[Sequence[int]],
        panels: Sequence[NDArray[np.uint32]],
        kernel: str,
    ) -> None: ...
    @property
    def memory(self) -> int: ...
    def extract(self, samples: NDArray[np.int8], out: NDArray[np.int8], threads: int) -> None: ...

class FrontEnd:
    def __init__(
        self, *, height: int, width: int, channels: int, directions: int, merged: bool
    ) -> None: ...
    @property
    def memory(self) -> int: ...
    @property
    def inputs(self) -> int: ...
    @property
    def outputs(self) -> int: ...
    def write_features(
        self, samples: NDArray[np.int8], out: NDArray[np.int8], *, threads: int
    ) -> None: ...

class Engine:
    def __init__(
        self, layers: Sequence[Sequence[int]], rule: Sequence[int], kernel: str
    ) -> None: ...
    @property
    def largest_batch(self) -> int: ...
    def fit(
        self,
        centre: NDArray[np.int8],
        weights: Sequence[NDArray[np.int16]],
        biases: Sequence[NDArray[np.int16]],
        feedback: Sequence[NDArray[np.int16]],
        samples: NDArray[np.int8],
        labels: NDArray[np.int32],
        order: NDArray[np.int64],
        jobs: NDArray[np.int64],
        batch: int,
        extra_shift: int,
        seed: int,
        exchange: int,
        threads: int,
        weight_sums: Sequence[NDArray[np.int64]],
        bias_sums: Sequence[NDArray[np.int64]],
    ) -> list[int]: ...
    def classify(
        self,
        centre: NDArray[np.int8],
        weights: Sequence[NDArray[np.int16]],
        biases: Sequence[NDArray[np.int16]],
        samples: NDArray[np.int8],
        out: NDArray[np.int32],
        threads: int,
    ) -> None: ...
