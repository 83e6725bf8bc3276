"""Types of the extension module."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

def kernels() -> list[str]: ...
def peak(name: str, rounds: int) -> int: ...
def extraction_kernels() -> list[str]: ...

class FeatureLayer:
    def __init__(
        self,
        *,
        units: int,
        kernel_height: int,
        kernel_width: int,
        stride: int,
        padding: int,
        relu: bool,
    ) -> None: ...

class Extractor:
    def __init__(
        self,
        shape: Sequence[int],
        zero: int,
        layers: Sequence[FeatureLayer],
        quads: Sequence[NDArray[np.uint32]],
        kernel: str,
    ) -> None: ...
    @property
    def memory(self) -> int: ...
    def extract(self, samples: NDArray[np.int8], out: NDArray[np.int8], threads: int) -> None: ...

class FrontEnd:
    def __init__(
        self,
        *,
        height: int,
        width: int,
        channels: int,
        directions: int,
        merged: bool,
        second_order: bool,
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

class Motion:
    def __init__(self, *, axes: int, window: int, hop: int, mirrored: int) -> None: ...
    @property
    def memory(self) -> int: ...
    @property
    def features(self) -> int: ...
    def write_features(
        self, windows: NDArray[np.int16], out: NDArray[np.int8], *, mirrored: bool, threads: int
    ) -> None: ...

def log_mel(
    samples: NDArray[np.int16],
    ends: NDArray[np.int64],
    *,
    rows: int,
    piece: int,
    out: NDArray[np.int8],
    threads: int,
) -> None: ...
def coder_length(
    q: NDArray[np.int16], *, bits: int, start: int, capacity: int
) -> tuple[int, int]: ...
def coder_encode(
    q: NDArray[np.int16], *, bits: int, start: int, out: NDArray[np.uint8]
) -> tuple[int, int, int]: ...
def coder_decode(
    data: NDArray[np.uint8], *, bits: int, start: int, out: NDArray[np.int16]
) -> int: ...

class Layer:
    def __init__(
        self,
        *,
        fan_in: int,
        fan_out: int,
        rescale_factor: int,
        rescale_shift: int,
        rescale_rounding: int,
        update_shift: int,
        update_rounding: int,
        bias_shift: int,
        activation: int,
        input_limit: int,
        weight_bits: int,
    ) -> None: ...

class Rule:
    def __init__(
        self, *, error: int, error_level: int, feedback: int, input_shift: int, centred: int
    ) -> None: ...

class Change:
    def __init__(self, *, top: int, shift: int, rows: int, unit: int) -> None: ...

class Work:
    def __init__(
        self,
        *,
        batch: int,
        extra_shift: int,
        seed: int,
        round: int,
        exchange: int,
        threads: int,
        energy_shift: int,
        upload: Sequence[Change],
        frame: int,
        clips: Sequence[int],
        steps_per_buffer: int,
    ) -> None: ...

class Jobs:
    def __init__(
        self,
        *,
        device: NDArray[np.int64],
        begin: NDArray[np.int64],
        end: NDArray[np.int64],
        position: NDArray[np.int64],
        samples: NDArray[np.int64],
        first_step: NDArray[np.int64],
        steps: NDArray[np.int64],
        layers: NDArray[np.int64],
        weight: NDArray[np.int64],
        clip: NDArray[np.int64],
    ) -> None: ...

class Parameters:
    def __init__(
        self,
        centre: NDArray[np.int8],
        weights: Sequence[NDArray[np.int16]],
        biases: Sequence[NDArray[np.int16]],
    ) -> None: ...

class SharedSamples:
    def __init__(
        self, samples: NDArray[np.int8], labels: NDArray[np.int32], order: NDArray[np.int64]
    ) -> None: ...

class Sums:
    def __init__(
        self,
        weights: Sequence[NDArray[np.int64]],
        biases: Sequence[NDArray[np.int64]],
        norms: NDArray[np.int64],
        coded: NDArray[np.int64],
        residuals: Sequence[NDArray[np.int8]],
    ) -> None: ...

class Engine:
    def __init__(self, layers: Sequence[Layer], rule: Rule, kernel: str) -> None: ...
    @property
    def largest_batch(self) -> int: ...
    def fit(
        self,
        parameters: Parameters,
        feedback: Sequence[NDArray[np.int16]],
        samples: SharedSamples,
        jobs: Jobs,
        work: Work,
        sums: Sums,
    ) -> list[int]: ...
    def classify(
        self,
        parameters: Parameters,
        samples: NDArray[np.int8],
        out: NDArray[np.int32],
        threads: int,
    ) -> None: ...
