"""Checkpoints: the state between two rounds, on disk, whole or not at all (SPEC, section 11)."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from tifed.atomic import write_atomically
from tifed.errors import RunError, UsageError
from tifed.federation.aggregation import LayerState, ServerState
from tifed.federation.costs import Costs
from tifed.network import Network, Parameters, check_parameters

FORMAT = "tifed-checkpoint"
VERSION = "1"
KEPT = 3
"""Checkpoints that stay on disk, so that an earlier one is there if the last is damaged."""

Arrays = dict[str, np.ndarray]
_LAYER_ARRAYS = ("weight", "bias", "mean_weight", "mean_bias")


@dataclass(frozen=True)
class Checkpoint:
    """What a run needs to go on.

    Attributes:
        state: of the server.
        costs: totals since the run began.
        seconds: spent since the run began, over all its processes.
    """

    state: ServerState
    costs: Costs
    seconds: float


def save_checkpoint(folder: Path, checkpoint: Checkpoint, experiment_digest: str) -> Path:
    """Write ``round-NNNNNN.safetensors`` and remove all but the last few.

    Args:
        folder: of the checkpoints.
        checkpoint: what to keep.
        experiment_digest: of the experiment and its data; `load_checkpoint` refuses another.
    """
    state = checkpoint.state
    arrays: Arrays = {f"parameters.{name}": array for name, array in state.parameters.named}
    arrays["turns"] = state.turns
    for number, layer in enumerate(state.layers):
        for name in _LAYER_ARRAYS:
            # 16 bits of value and 8 of fraction at most, or 32 bits and none: int32 holds them.
            arrays[f"server.{number}.{name}"] = getattr(layer, name).astype(np.int32)
    header = {
        "format": FORMAT,
        "version": VERSION,
        "experiment": experiment_digest,
        "round": str(state.round),
        "exchange": str(state.exchange),
        "updates": json.dumps([layer.updates for layer in state.layers]),
        "costs": json.dumps(asdict(checkpoint.costs)),
        "seconds": json.dumps(checkpoint.seconds),
    }
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    header["checksum"] = _checksum(arrays, header)
    path = folder / f"round-{state.round:06d}.safetensors"
    write_atomically(path, save(arrays, header))
    for old in checkpoint_files(folder)[KEPT:]:
        old.unlink()
    return path


def checkpoint_files(folder: Path) -> list[Path]:
    """The checkpoints in ``folder``, newest first."""
    return sorted(folder.glob("round-*.safetensors"), reverse=True)


def load_checkpoint(path: Path, network: Network, experiment_digest: str) -> Checkpoint:
    """Read one checkpoint.

    Raises:
        RunError: if the file is damaged; an earlier checkpoint may do.
        UsageError: if it is of another experiment, or of a version this release does not read.
    """
    try:
        with safe_open(path, "numpy") as file:
            header = dict(file.metadata() or {})
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if header.get("checksum") != _checksum(arrays, header):
            raise RunError(f"{path}: damaged (its checksum is wrong)")
    except (SafetensorError, OSError) as error:
        raise RunError(f"{path}: damaged ({error})") from error
    if header.get("format") != FORMAT or header.get("version") != VERSION:
        raise UsageError(
            f"{path}: version {header.get('version')!r} of the checkpoint format; "
            f"this release reads version {VERSION!r}"
        )
    if header["experiment"] != experiment_digest:
        raise UsageError(
            f"{path}: is of another experiment or other data; "
            "put experiment.toml and the data set back as they were, or start a new run"
        )
    numbers = range(network.depth)
    parameters = Parameters(
        arrays["parameters.input.centre"],
        tuple(arrays[f"parameters.layer.{number}.weight"] for number in numbers),
        tuple(arrays[f"parameters.layer.{number}.bias"] for number in numbers),
    )
    check_parameters(network, parameters)
    updates = json.loads(header["updates"])
    layers = tuple(
        LayerState(
            **{name: arrays[f"server.{number}.{name}"].astype(np.int64) for name in _LAYER_ARRAYS},
            updates=updates[number],
        )
        for number in numbers
    )
    state = ServerState(
        parameters, layers, int(header["round"]), int(header["exchange"]), arrays["turns"]
    )
    return Checkpoint(state, Costs(**json.loads(header["costs"])), json.loads(header["seconds"]))


def _checksum(arrays: Arrays, header: Mapping[str, str]) -> str:
    """SHA-256 over the header (without the checksum) and every array."""
    digest = hashlib.sha256()
    for key in sorted(header.keys() - {"checksum"}):
        digest.update(f"{key}={header[key]}\n".encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name} {array.dtype} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
