"""A run's folder: what is in it, where, and how it is read back."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tifed.atomic import write_atomically
from tifed.errors import UsageError


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
            UsageError: if it holds a run already, or cannot be written.
        """
        if self.experiment.exists():
            raise UsageError(
                f"{self.path}: holds a run already; go on with it by --resume {self.path}, "
                "or name another folder with --out"
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

    def write_metrics(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Replace ``metrics.csv`` by ``rows``, which all have the same keys."""
        _write_rows(self.metrics, rows)

    def read_metrics(self, rounds: int) -> list[dict[str, str]]:
        """The rows of the first ``rounds`` rounds; none if there is no file yet."""
        return _read_rows(self.metrics, rounds)

    def write_health(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Replace ``health.csv`` by ``rows`` (`tifed.experiment.health`); no file for none."""
        if rows:
            _write_rows(self.health, rows)
        else:
            self.health.unlink(missing_ok=True)

    def read_health(self, rounds: int) -> list[dict[str, str]]:
        """The rows of the first ``rounds`` rounds; none if there is no file."""
        return _read_rows(self.health, rounds)

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
        except ValueError as error:
            raise UsageError(f"{self.result}: damaged ({error})") from error


def _write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_atomically(path, text.getvalue())


def _read_rows(path: Path, rounds: int) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if int(row["round"]) <= rounds]


def free_folder(parent: Path, name: str) -> Path:
    """``parent/name``, or with -2, -3 … behind it if that is taken."""
    number, path = 1, parent / name
    while path.exists():
        number += 1
        path = parent / f"{name}-{number}"
    return path
