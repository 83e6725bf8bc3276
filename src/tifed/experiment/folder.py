"""A run's folder: what is in it, where, and how it is read back."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tifed.errors import UsageError
from tifed.experiment.growing_table import Row, SoundPart, append_rows, cut, sound_part
from tifed.experiment.health import EVENTS
from tifed.federation.checkpoint_file import is_checkpoint
from tifed.files.atomic import clear_temporaries, write_atomically
from tifed.files.toml_file import LARGEST_FILE

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_FILES = (
    "experiment.toml", "model.safetensors", "extractor.safetensors", "quantisation.json",
    "result.json", "details.json", "accuracy.png", "report.html",
)  # fmt: skip
"""What is written whole into a run's folder."""


@dataclass(frozen=True)
class RunFolder:
    """Paths and files of one run.

    Attributes:
        path: the folder.
    """

    path: Path

    @property
    def experiment(self) -> Path:
        """The resolved experiment: every field with its value."""
        return self.path / "experiment.toml"

    @property
    def metrics(self) -> Path:
        """One row per finished round."""
        return self.path / "metrics.csv"

    @property
    def health(self) -> Path:
        """Devices that were lost and came back, with reasons; not there if none was."""
        return self.path / "health.csv"

    @property
    def model(self) -> Path:
        """The published model of the last round."""
        return self.path / "model.safetensors"

    @property
    def result(self) -> Path:
        """The run in one object."""
        return self.path / "result.json"

    @property
    def details(self) -> Path:
        """Confusion matrix, per-device scores and partition, for the report."""
        return self.path / "details.json"

    @property
    def quantisation(self) -> Path:
        """How the data's numbers became int8, so that a device can do the same."""
        return self.path / "quantisation.json"

    @property
    def extractor(self) -> Path:
        """A copy of the extractor that samples went through, where there is one."""
        return self.path / "extractor.safetensors"

    @property
    def checkpoints(self) -> Path:
        """The last few states between rounds."""
        return self.path / "checkpoints"

    def create(self, experiment: str) -> None:
        """Make the folder with ``experiment.toml`` in it.

        Raises:
            UsageError: if it holds a run already or a part of one, cannot be written, or could not
                be read again.
        """
        if len(experiment) > LARGEST_FILE:
            raise UsageError(
                f"experiment: {len(experiment):,} bytes of settings are more than the "
                f"{LARGEST_FILE:,} that are read again"
            )
        if self.experiment.exists():
            raise UsageError(
                f"{self.path}: holds a run already; go on with it by --resume {self.path}, "
                "or name another folder with --out"
            )
        for left in (self.metrics, self.health, self.checkpoints):
            if left.exists():
                raise UsageError(
                    f"{self.path}: holds {left.name} of a run whose experiment.toml is gone; name "
                    "another folder with --out"
                )
        write_atomically(self.experiment, experiment)

    def require(self) -> None:
        """Make sure that the folder holds a run.

        Raises:
            UsageError: if not.
        """
        if not self.experiment.is_file():
            raise UsageError(
                f"{self.path}: holds no run (no experiment.toml); start one with --out {self.path}"
            )

    def clear_temporaries(self) -> None:
        """Remove unfinished files of a process that was killed; nobody else may be at work here."""
        clear_temporaries(self.path, _FILES.__contains__)
        clear_temporaries(self.checkpoints, is_checkpoint)

    def append_metrics(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Put rounds at the end of ``metrics.csv``, on the disk when this returns."""
        append_rows(self.metrics, rows)

    def sound_metrics(self) -> SoundPart:
        """The rows of ``metrics.csv``: rounds from 1 on without a gap, each a row of numbers."""
        return sound_part(self.metrics, _check_metrics)

    def read_metrics(self, rounds: int) -> list[Row]:
        """The rows of the first ``rounds`` rounds; none if there is no file yet.

        Raises:
            UsageError: if a row is damaged.
        """
        return _first_rounds(self.sound_metrics(), rounds)

    def append_health(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Put `tifed.experiment.health` at the end of ``health.csv``; no file for none."""
        append_rows(self.health, rows)

    def read_health(self, rounds: int) -> list[Row]:
        """The rows of the first ``rounds`` rounds; none if there is no file.

        Raises:
            UsageError: if a row is damaged.
        """
        return _first_rounds(sound_part(self.health, _check_health()), rounds)

    def back_to(self, rounds: int, warn: Callable[[str], None]) -> list[Row]:
        """Cut both tables behind round ``rounds``, from whose checkpoint a run goes on.

        A killed run may have written rows beyond it, the last one perhaps in part.

        Args:
            rounds: how many; ``metrics.csv`` has that many sound rows.
            warn: told what was lost of ``health.csv``, whose rows cannot be counted.

        Returns:
            The rows of ``health.csv`` that are left.
        """
        cut(self.metrics, self.sound_metrics().end_of(rounds) if rounds else 0)
        part = sound_part(self.health, _check_health())
        kept = [row for row in part.rows if int(row["round"]) <= rounds]
        if part.wrong and len(kept) == len(part.rows):
            warn(
                f"{part.wrong}; this line and all behind it were removed, so devices that were "
                "lost or came back may be missing"
            )
        cut(self.health, part.end_of(len(kept)) if kept else 0)
        return kept

    def write_json(self, path: Path, content: Mapping[str, Any]) -> None:
        """Write an object as JSON."""
        write_atomically(path, json.dumps(content, indent=2) + "\n")

    def read_result(self) -> dict[str, Any]:
        """The result of a finished run.

        Raises:
            UsageError: if the run has not finished or the file is damaged.
        """
        self.require()
        if not self.result.is_file():
            raise UsageError(f"{self.path}: not finished; go on with it by --resume {self.path}")
        try:
            return dict(json.loads(self.result.read_text(encoding="utf-8")))
        except (ValueError, TypeError, RecursionError) as error:
            raise UsageError(f"{self.result}: damaged ({error})") from error


def _check_metrics(row: Row, before: int) -> None:
    """Raise ValueError unless ``row`` is that of round ``before`` + 1."""
    if row["round"] != str(before + 1):
        raise ValueError(f"is of round {row['round']!r:.20} where that of {before + 1} is due")
    for column, text in row.items():
        empty = column == "accuracy" and not text  # not evaluated in this round
        if not empty and not _NUMBER.fullmatch(text):
            raise ValueError(f"{column}: {text!r:.40} is not a number")


def _check_health() -> Callable[[Row, int], None]:
    """A check of rows that come one after the other."""
    last = 0

    def check(row: Row, before: int) -> None:
        nonlocal last
        del before
        if not {"round", "device", "event", "reason"} <= row.keys():
            raise ValueError("has no round, device, event and reason")
        for column in ("round", "device"):
            if not row[column].isascii() or not row[column].isdecimal():
                raise ValueError(f"{column}: {row[column]!r:.20} is not a number")
        if row["event"] not in EVENTS:
            raise ValueError(f"event: {row['event']!r:.20} is not one of {', '.join(EVENTS)}")
        if int(row["round"]) < last:
            raise ValueError(f"is of round {row['round']} behind one of round {last}")
        last = int(row["round"])

    return check


def _first_rounds(part: SoundPart, rounds: int) -> list[Row]:
    kept = [row for row in part.rows if int(row["round"]) <= rounds]
    if part.wrong and len(kept) == len(part.rows):
        raise UsageError(part.wrong)
    return kept


def free_folder(parent: Path, name: str) -> Path:
    """``parent/name``, or with -2, -3 … behind it if that is taken."""
    number, path = 1, parent / name
    while path.exists():
        number += 1
        path = parent / f"{name}-{number}"
    return path
