"""A run's folder: what is in it, where, and how it is read back."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from tifed.errors import UsageError
from tifed.experiment.contributions import check_contributions
from tifed.experiment.growing_table import Row, SoundPart, append_rows, cut, sound_part
from tifed.experiment.health import check_health
from tifed.experiment.metrics import RoundRow, check_metrics
from tifed.experiment.result import Details, FinishedRun, Result
from tifed.federation.checkpoint_file import is_checkpoint
from tifed.files.atomic import clear_temporaries, write_atomically
from tifed.files.toml_file import LARGEST_FILE, read_toml

Content = TypeVar("Content", bound=BaseModel)

_REMEDY = "the file is damaged or of another program; run the experiment again"

_RUN = ("first", "devices")
"""Columns of ``privacy-again.csv``."""

_FILES = (
    "experiment.toml", "model.safetensors", "extractor.safetensors", "quantisation.json",
    "result.json", "details.json", "accuracy.svg", "report.html",
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
    def contributions(self) -> Path:
        """What each update did, with ``[robust]``; not there without."""
        return self.path / "contributions.csv"

    @property
    def begun(self) -> Path:
        """One row per round that was begun, with noise; a round made again is there again."""
        return self.path / "privacy.csv"

    @property
    def asked_again(self) -> Path:
        """With noise, a row for devices whose site was asked for one exchange more than once."""
        return self.path / "privacy-again.csv"

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
        for left in (
            self.metrics, self.health, self.contributions, self.begun, self.asked_again,
            self.checkpoints,
        ):  # fmt: skip
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

    def append_metrics(self, rows: Sequence[RoundRow]) -> None:
        """Put rounds at the end of ``metrics.csv``, on the disk when this returns."""
        append_rows(self.metrics, [row.columns() for row in rows])

    def sound_metrics(self) -> SoundPart:
        """The rows of ``metrics.csv``: rounds from 1 on without a gap, each a row of numbers."""
        return sound_part(self.metrics, check_metrics)

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
        return _first_rounds(sound_part(self.health, check_health()), rounds)

    def append_contributions(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Put `contribution_rows` at the end of ``contributions.csv``; no file for none."""
        append_rows(self.contributions, rows)

    def read_contributions(self) -> list[Row]:
        """The rows of ``contributions.csv``; none if there is no file.

        Raises:
            UsageError: if a row is damaged.
        """
        part = sound_part(self.contributions, check_contributions)
        if part.wrong:
            raise UsageError(f"{part.wrong}; {_REMEDY}")
        return list(part.rows)

    def append_begun(self, number: int) -> None:
        """Put round ``number``, from 0, at the end of ``privacy.csv``, on the disk at return."""
        append_rows(self.begun, [{"round": number + 1}])

    def read_begun(self) -> list[int]:
        """The rounds of ``privacy.csv``, from 0; part of a row at its end is cut off.

        Raises:
            UsageError: if a row is damaged: what a run has given away cannot be guessed.
        """
        part = sound_part(self.begun, _check_begun)
        if part.wrong:
            raise UsageError(f"{part.wrong}; {_REMEDY}")
        if part.start:
            cut(self.begun, part.end_of(len(part.rows)))
        return [int(row["round"]) - 1 for row in part.rows]

    def append_asked_again(self, number: int, runs: Sequence[tuple[int, int]]) -> None:
        """Put runs of devices (first, count) at the end of ``privacy-again.csv``, on the disk.

        Args:
            number: of the round, from 0.
            runs: whose site is to be asked for an exchange of it once more.
        """
        append_rows(
            self.asked_again,
            [{"round": number + 1, "first": first, "devices": count} for first, count in runs],
        )

    def read_asked_again(self, devices: int) -> list[tuple[int, int]]:
        """The runs of ``privacy-again.csv``; part of a row at its end is cut off.

        Raises:
            UsageError: if a row is damaged, or is not of devices among so many.
        """

        def check(row: Row, before: int) -> None:
            _check_begun(row, before)
            if not all(row[name].isascii() and row[name].isdecimal() for name in _RUN):
                raise ValueError("first or devices is not a whole number")
            first, count = (int(row[name]) for name in _RUN)
            if not (count and first + count <= devices):
                raise ValueError(f"{count} devices from {first} on are not among {devices}")

        part = sound_part(self.asked_again, check)
        if part.wrong:
            raise UsageError(f"{part.wrong}; {_REMEDY}")
        if part.start:
            cut(self.asked_again, part.end_of(len(part.rows)))
        return [(int(row["first"]), int(row["devices"])) for row in part.rows]

    def back_to(self, rounds: int, warn: Callable[[str], None]) -> list[Row]:
        """Cut the tables behind round ``rounds``, from whose checkpoint a run goes on.

        A killed run may have written rows beyond it, the last one perhaps in part.

        Args:
            rounds: how many; ``metrics.csv`` has that many sound rows.
            warn: told what was lost of tables whose rows cannot be counted.

        Returns:
            The rows of ``health.csv`` that are left.
        """
        cut(self.metrics, self.sound_metrics().end_of(rounds) if rounds else 0)
        _cut_behind(
            self.contributions, check_contributions, rounds, warn, "rows of updates may be missing"
        )
        return _cut_behind(
            self.health, check_health(), rounds, warn,
            "devices that were lost or came back may be missing",
        )  # fmt: skip

    def write_content(self, path: Path, content: Result | Details) -> None:
        """Write ``content`` to one of this folder's JSON files."""
        write_atomically(path, json.dumps(content.model_dump(mode="json"), indent=2) + "\n")

    def read_result(self) -> Result:
        """The result of a finished run.

        Raises:
            UsageError: if the run has not finished or the file is damaged.
        """
        self.require()
        if not self.result.is_file():
            raise UsageError(f"{self.path}: not finished; go on with it by --resume {self.path}")
        return _content(self.result, Result)

    def read(self) -> FinishedRun:
        """All that the report shows of a finished run.

        Raises:
            UsageError: naming the file that is missing or damaged, and what is wrong with it.
        """
        experiment = read_toml(self.experiment)
        result = _content(self.result, Result)
        details = _content(self.details, Details)
        return FinishedRun(
            experiment, self._rounds(result.rounds), result, details, self.read_contributions()
        )

    def _rounds(self, rounds: int) -> tuple[RoundRow, ...]:
        """The rows of ``metrics.csv``, of which there are to be ``rounds``."""
        part = self.sound_metrics()
        if part.wrong:
            raise UsageError(f"{part.wrong}; {_REMEDY}")
        if len(part.rows) != rounds:
            raise UsageError(f"{self.metrics}: has {len(part.rows)} rounds of {rounds}; {_REMEDY}")
        typed = []
        for row in part.rows:
            try:
                typed.append(RoundRow.read(row))
            except ValidationError as error:
                line = f"{self.metrics}: line {len(typed) + 2}"
                raise UsageError(f"{line}: {_first_fault(error)}; {_REMEDY}") from error
        return tuple(typed)


def _content(path: Path, kind: type[Content]) -> Content:
    """A JSON file, with every way of being wrong turned into one kind of error."""
    try:
        return kind.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be read ({error.strerror}); name the folder that a run has left"
        ) from error
    except ValidationError as error:
        raise UsageError(f"{path}: {_first_fault(error)}; {_REMEDY}") from error


def _first_fault(error: ValidationError) -> str:
    """The first field that is wrong, and why."""
    first = error.errors()[0]
    field = ".".join(map(str, first["loc"]))
    return f"{field}: {first['msg']}" if field else first["msg"]


def _check_begun(row: Row, before: int) -> None:
    """Raise ValueError unless ``row`` is one of ``privacy.csv``."""
    del before
    text = row["round"]
    if not (text.isascii() and text.isdecimal() and int(text)):
        raise ValueError(f"round: {text!r:.20} is not the number of a round")


def _cut_behind(
    path: Path,
    check: Callable[[Row, int], None],
    rounds: int,
    warn: Callable[[str], None],
    missing: str,
) -> list[Row]:
    """Cut ``path`` behind round ``rounds``; warn of ``missing`` if a row before is damaged."""
    part = sound_part(path, check)
    kept = [row for row in part.rows if int(row["round"]) <= rounds]
    if part.wrong and len(kept) == len(part.rows):
        warn(f"{part.wrong}; this line and all behind it were removed, so {missing}")
    cut(path, part.end_of(len(kept)) if kept else 0)
    return kept


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
