"""Reads the files that a run leaves in its folder, and refuses damaged ones by name."""

import csv
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from tifed.data.quantisation.quantised import QuantisationReport
from tifed.errors import UsageError
from tifed.files.toml_file import read_toml

Count = Annotated[int, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]

Parsed = TypeVar("Parsed")

_UPDATES = "updates_layer_"


class _Record(BaseModel):
    """Frozen; fields that this version does not know are ignored."""

    model_config = ConfigDict(frozen=True)


class Result(_Record):
    """``result.json``: the outcome in one object; costs are of the whole run, per device."""

    accuracy: Fraction
    digest: str
    rounds: Count
    mode: str
    recipe: str
    dataset: str
    layers: tuple[int, ...] | str
    devices: Annotated[int, Field(ge=1)]
    engine: str
    seed: Count
    held_out: Literal["test", "validation"]
    held_out_samples: Annotated[int, Field(ge=1)]
    bytes_up_per_device: Annotated[float, Field(ge=0)]
    bytes_down_per_device: Annotated[float, Field(ge=0)]
    macs_per_device: Annotated[float, Field(ge=0)]
    seconds: Annotated[float, Field(ge=0)]
    dataset_digest: str
    command: str
    # Not in folders of the first releases.
    balanced_accuracy: Fraction | None = None
    commonest_class_share: Fraction | None = None
    baseline: str | None = None
    warnings: tuple[str, ...] = ()
    quantisation: QuantisationReport | None = None


class DeviceAccuracy(_Record):
    """The global model on one device's own training samples."""

    device: Count
    correct: Count
    samples: Annotated[int, Field(ge=1)]

    @model_validator(mode="after")
    def _not_more_than_all(self) -> Self:
        if self.correct > self.samples:
            raise ValueError(f"{self.correct} of {self.samples} samples cannot be right")
        return self


class Details(_Record):
    """``details.json``: the tables behind the pictures; an empty one leaves its picture out."""

    class_names: tuple[str, ...]
    confusion: tuple[tuple[Count, ...], ...]
    device_scores: tuple[DeviceAccuracy, ...]
    partition: tuple[tuple[Count, ...], ...]
    partition_kind: str

    @model_validator(mode="after")
    def _tables_fit_the_classes(self) -> Self:
        classes = len(self.class_names)
        if self.confusion and len(self.confusion) != classes:
            raise ValueError(f"confusion has {len(self.confusion)} rows for {classes} classes")
        for name, table in (("confusion", self.confusion), ("partition", self.partition)):
            for number, row in enumerate(table):
                if len(row) != classes:
                    raise ValueError(f"{name} row {number} has {len(row)} of {classes} columns")
        return self


class RoundRow(_Record):
    """One line of ``metrics.csv``; costs are of this round, per device."""

    round: Annotated[int, Field(ge=1)]
    accuracy: Fraction | None
    training_error: Fraction | None
    asked: Count
    answered: Count
    bytes_down_per_device: Annotated[float, Field(ge=0)]
    bytes_up_per_device: Annotated[float, Field(ge=0)]
    macs_per_device: Annotated[float, Field(ge=0)]
    clipped_parameters: Count
    clipped_deltas: Count
    updates: tuple[Count, ...]


@dataclass(frozen=True)
class RunFolder:
    """Everything that a report is made from.

    Attributes:
        experiment: the resolved experiment, tables within tables.
        rounds: first to last, one or more.
        result: the outcome.
        details: the tables behind the pictures.
    """

    experiment: Mapping[str, Any]
    rounds: tuple[RoundRow, ...]
    result: Result
    details: Details


def read_run_folder(folder: Path) -> RunFolder:
    """Read a run's four files.

    Raises:
        UsageError: naming the file that is missing or damaged, and what is wrong with it.
    """
    return RunFolder(
        experiment=read_toml(folder / "experiment.toml"),
        rounds=_parsed(folder / "metrics.csv", _rounds),
        result=_parsed(folder / "result.json", lambda text: Result(**json.loads(text))),
        details=_parsed(folder / "details.json", lambda text: Details(**json.loads(text))),
    )


def _parsed(path: Path, parse: Callable[[str], Parsed]) -> Parsed:
    """The content of ``path``, with every way of being wrong turned into one kind of error."""
    try:
        return parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be read ({error.strerror}); name the folder that a run has left"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        reason = f"{place}: {first['msg']}" if place else first["msg"]
        raise UsageError(f"{path}: {reason}; {_REMEDY}") from error
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise UsageError(f"{path}: {error}; {_REMEDY}") from error


_REMEDY = "the file is damaged or of another program; run the experiment again"


def _rounds(text: str) -> tuple[RoundRow, ...]:
    """The lines of ``metrics.csv``; an empty field is a value that was not measured."""
    reader = csv.DictReader(text.splitlines())
    layers = sorted(
        (name for name in reader.fieldnames or () if name.startswith(_UPDATES)),
        key=lambda name: int(name.removeprefix(_UPDATES)),
    )
    lines = []
    for line in reader:
        fields: dict[str, Any] = {name: value or None for name, value in line.items()}
        fields["updates"] = [fields.pop(name) for name in layers]
        lines.append(fields)
        if fields.get("round") != str(len(lines)):
            raise ValueError(f"line {len(lines) + 1} is not that of round {len(lines)}")
    if not lines:
        raise ValueError("no rounds in it")
    return TypeAdapter(tuple[RoundRow, ...]).validate_python(lines)
