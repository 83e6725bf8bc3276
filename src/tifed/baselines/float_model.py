"""The baseline's model on disk, and a digest of it."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from tifed.baselines.float_network import FloatParameters, Floats
from tifed.files.atomic import write_atomically

FORMAT = "tifed-float-model"
VERSION = "1"


def digest(parameters: FloatParameters) -> str:
    """SHA-256 over every array's name, shape and little-endian values.

    Unlike the integers' it names one outcome, not the experiment's: another machine, BLAS library
    or number of threads may come to another one.
    """
    total = hashlib.sha256(f"{FORMAT}/{VERSION}\n".encode())
    for name, array in _named(parameters):
        total.update(f"{name} float32 {'x'.join(map(str, array.shape))}\n".encode())
        total.update(np.ascontiguousarray(array, "<f4").tobytes())
    return total.hexdigest()


def save_model(path: Path, parameters: FloatParameters) -> None:
    """Write a safetensors file; it appears whole or not at all.

    Raises:
        UsageError: if the folder cannot be written.
    """
    header = {"format": FORMAT, "version": VERSION, "digest": digest(parameters)}
    arrays = {name: np.ascontiguousarray(array) for name, array in _named(parameters)}
    write_atomically(path, save(arrays, header))


def _named(parameters: FloatParameters) -> Iterator[tuple[str, Floats]]:
    """Every array with its name."""
    yield "input.centre", parameters.centre
    for number, (W, b) in enumerate(zip(parameters.weights, parameters.biases, strict=True)):
        yield f"layer.{number}.weight", W
        yield f"layer.{number}.bias", b
