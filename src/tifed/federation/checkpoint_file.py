"""The file of a checkpoint: arrays and a header, whole or not at all (SPEC, section 11)."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic

import numpy as np
from pydantic import BaseModel, Json, NonNegativeFloat, NonNegativeInt, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import save

from tifed.errors import RunError, UsageError
from tifed.federation.costs import Costs
from tifed.federation.federation import Federation
from tifed.federation.plan import StateT
from tifed.files.atomic import write_atomically
from tifed.files.tensor_file import header_and_arrays

VERSION = "2"
KEPT = 3
"""Checkpoints that stay on disk, so that an earlier one is there if the last is damaged."""

_NAME = re.compile(r"round-[0-9]{6,}\.safetensors")

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Checkpoint(Generic[StateT]):
    """What a run needs to go on.

    Attributes:
        state: of the server.
        costs: totals since the run began.
        seconds: spent since the run began, over all its processes.
    """

    state: StateT
    costs: Costs
    seconds: float


def write_checkpoint(
    folder: Path,
    checkpoint: Checkpoint[StateT],
    form: str,
    arrays: Arrays,
    updates: list[int],
    experiment_digest: str,
) -> Path:
    """Write ``round-NNNNNN.safetensors`` and remove all but the last few.

    Args:
        folder: of the checkpoints.
        checkpoint: what to keep.
        form: what kind of state it is.
        arrays: the state's own; turns are added.
        updates: per layer how many exchanges changed it.
        experiment_digest: of what decides the run's digest; `read_checkpoint` refuses another.
    """
    state = checkpoint.state
    arrays = arrays | {"turns": state.turns}
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    header = {
        "format": form,
        "version": VERSION,
        "experiment": experiment_digest,
        "round": str(state.round),
        "exchange": str(state.exchange),
        "updates": json.dumps(updates),
        "costs": json.dumps(asdict(checkpoint.costs)),
        "seconds": json.dumps(checkpoint.seconds),
    }
    if state.energy is not None:
        header |= {"energy": str(state.energy), "energy_shift": str(state.energy_shift)}
    header["checksum"] = _checksum(arrays, header)
    path = folder / f"round-{state.round:06d}.safetensors"
    write_atomically(path, save(arrays, header))
    for old in checkpoint_files(folder)[KEPT:]:
        old.unlink()
    return path


def checkpoint_files(folder: Path) -> list[Path]:
    """The checkpoints in ``folder``, newest first."""
    files = (path for path in folder.glob("*") if is_checkpoint(path.name))
    return sorted(files, key=round_of, reverse=True)


def round_of(path: Path) -> int:
    """The round after which a checkpoint was written, by its name."""
    return int(path.stem.removeprefix("round-"))


def is_checkpoint(name: str) -> bool:
    """Whether a file is called as checkpoints are: ``round-000012.safetensors``."""
    return _NAME.fullmatch(name) is not None


@dataclass(frozen=True)
class Expected:
    """What an array of a checkpoint has to be.

    Attributes:
        shape: of all its dimensions.
        dtype: its type.
        within: its least and greatest value; None where any will do.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    within: tuple[int, int] | None = None


@dataclass(frozen=True)
class Stored:
    """A sound file's content; see `write_checkpoint`. Whether it fits a run is for `check`."""

    path: Path
    arrays: Arrays
    round: int
    exchange: int
    updates: list[int]
    costs: Costs
    seconds: float
    energy: int | None
    energy_shift: int

    def check(self, federation: Federation, expected: Mapping[str, Expected]) -> None:
        """Make sure that it is a state of ``federation``, before it is taken for one.

        Args:
            federation: of the run.
            expected: every array by name, beside turns.

        Raises:
            RunError: naming what is missing, too much, of another type or shape, or out of range.
        """
        depth, devices = federation.network.depth, federation.devices
        if self.round > federation.rounds:
            raise RunError(f"{self.path}: damaged (round {self.round} of {federation.rounds})")
        if len(self.updates) != depth:
            raise RunError(f"{self.path}: damaged (updates of {len(self.updates)} layers)")
        shift = self.energy_shift
        if shift != federation.possible_energy_shift(shift):
            raise RunError(f"{self.path}: damaged (its energy_shift is {shift})")
        turns = Expected((devices,), np.dtype(np.int64), (0, self.round))
        every = dict(expected) | {"turns": turns}
        for name in sorted(every.keys() ^ self.arrays.keys()):
            fault = "is missing" if name in every else "belongs to nothing"
            raise RunError(f"{self.path}: damaged ({name:.80} {fault})")
        for name, one in every.items():
            array = self.arrays[name]
            if (array.shape, array.dtype) != (one.shape, one.dtype):
                raise RunError(
                    f"{self.path}: damaged ({name}: {array.dtype} {array.shape} where the run "
                    f"needs {one.dtype} {one.shape})"
                )
            if one.within is not None and array.size:
                low, high = one.within
                if array.min() < low or array.max() > high:
                    raise RunError(f"{self.path}: damaged ({name}: not in {low}..{high})")


def read_checkpoint(path: Path, form: str, experiment_digest: str) -> Stored:
    """Read one checkpoint.

    Raises:
        RunError: if the file is damaged; an earlier checkpoint may do.
        UsageError: if it is of another experiment, or of a version this release does not read.
    """
    try:
        header, arrays = header_and_arrays(path)
        if header.get("checksum") != _checksum(arrays, header):
            raise RunError(f"{path}: damaged (its checksum is wrong)")
    except (SafetensorError, OSError) as error:
        raise RunError(f"{path}: damaged ({error})") from error
    if header.get("format") != form:
        raise UsageError(f"{path}: its format is {header.get('format')!r}; this run reads {form!r}")
    if header.get("version") != VERSION:
        raise UsageError(
            f"{path}: was written by another release: its format's version is "
            f"{header.get('version')!r}, and this release reads {VERSION!r}; go on with that "
            "release, or start a new run"
        )
    try:
        told = _Header.model_validate(header)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise RunError(f"{path}: damaged (its header's {place}: {first['msg']})") from error
    if told.experiment != experiment_digest:
        raise UsageError(
            f"{path}: is of another experiment or other data, or of a release whose recipe has "
            "other constants, or of a package whose partition deals otherwise; put "
            "experiment.toml, the data set and the package back as they were, or start a new run"
        )
    return Stored(
        path, arrays, told.round, told.exchange, told.updates, told.costs, told.seconds,
        told.energy, told.energy_shift,
    )  # fmt: skip


class _Header(BaseModel):
    """The strings of the header, as numbers."""

    experiment: str
    round: NonNegativeInt
    exchange: NonNegativeInt
    updates: Json[list[NonNegativeInt]]
    costs: Json[Costs]
    seconds: Json[NonNegativeFloat]
    # Without a calibration round there is neither.
    energy: NonNegativeInt | None = None
    energy_shift: int = 0


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
