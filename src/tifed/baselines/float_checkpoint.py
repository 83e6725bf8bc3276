"""Checkpoints of the float baseline."""

from itertools import pairwise
from pathlib import Path

import numpy as np

from tifed.baselines.float_server import TENSOR_PARTS, FloatLayer, FloatState, FloatTensor
from tifed.federation.checkpoint_file import (
    Arrays,
    Checkpoint,
    Expected,
    read_checkpoint,
    write_checkpoint,
)
from tifed.federation.federation import Federation

FORMAT = "tifed-float-checkpoint"


def save_checkpoint(
    folder: Path, checkpoint: Checkpoint[FloatState], experiment_digest: str
) -> Path:
    """Write ``round-NNNNNN.safetensors`` and remove all but the last few.

    Args:
        folder: of the checkpoints.
        checkpoint: what to keep.
        experiment_digest: of the experiment and its data; `load_checkpoint` refuses another.
    """
    state = checkpoint.state
    arrays: Arrays = {"centre": state.centre}
    for number, layer in enumerate(state.layers):
        for part in TENSOR_PARTS:
            arrays[f"{number}.weight.{part}"] = getattr(layer.weight, part)
            arrays[f"{number}.bias.{part}"] = getattr(layer.bias, part)
    updates = [layer.updates for layer in state.layers]
    return write_checkpoint(folder, checkpoint, FORMAT, arrays, updates, experiment_digest)


def load_checkpoint(
    path: Path, federation: Federation, experiment_digest: str
) -> Checkpoint[FloatState]:
    """Read one checkpoint of ``federation``.

    Raises:
        RunError: if the file is damaged, or no state of ``federation`` could be like it; an earlier
            checkpoint may do.
        UsageError: if it is of another experiment, or of a version this release does not read.
    """
    stored = read_checkpoint(path, FORMAT, experiment_digest)
    float32, sizes = np.dtype(np.float32), list(pairwise(federation.network.shape))
    expected = {"centre": Expected((federation.network.features,), float32)}
    for number, (inputs, outputs) in enumerate(sizes):
        for part in TENSOR_PARTS:
            expected[f"{number}.weight.{part}"] = Expected((inputs, outputs), float32)
            expected[f"{number}.bias.{part}"] = Expected((outputs,), float32)
    stored.check(federation, expected)

    def tensor(name: str) -> FloatTensor:
        return FloatTensor(**{part: stored.arrays[f"{name}.{part}"] for part in TENSOR_PARTS})

    layers = tuple(
        FloatLayer(tensor(f"{number}.weight"), tensor(f"{number}.bias"), stored.updates[number])
        for number in range(len(sizes))
    )
    state = FloatState(
        stored.round, stored.exchange, stored.arrays["turns"], stored.arrays["centre"], layers
    )
    return Checkpoint(state, stored.costs, stored.seconds)
