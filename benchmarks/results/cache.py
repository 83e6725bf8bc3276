"""The cache of the results: docs/results/runs.csv has a line per run, curves.csv its curve."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.results.outcome import Outcome
from pydantic import ValidationError

from tifed.files.atomic import write_atomically

RUNS, CURVES = "runs.csv", "curves.csv"
_FIGURES = [name for name in Outcome.model_fields if name != "curve"]


@dataclass(frozen=True)
class Line:
    """What a line says beside its outcome.

    Attributes:
        identity: of the run.
        row: the row of a table that it is of.
        command: how to repeat it.
    """

    identity: str
    row: str
    command: str


class CsvCache:
    """The outcomes of some lines, written in their order whenever one is added."""

    def __init__(self, folder: Path, lines: Sequence[Line], again: bool = False) -> None:
        """Read what is in ``folder``, unless everything is to be run ``again``."""
        self._folder, self._lines = folder, lines
        self._outcomes = {} if again else read(folder)

    def get(self, identity: str, /) -> Outcome | None:
        """An outcome; None if there is none."""
        return self._outcomes.get(identity)

    def __setitem__(self, identity: str, outcome: Outcome, /) -> None:
        """Keep an outcome."""
        self._outcomes[identity] = outcome
        self.write()

    def write(self) -> None:
        """Replace both files; outcomes of no line are dropped."""
        done = [
            (line, found)
            for line in self._lines
            if (found := self._outcomes.get(line.identity)) is not None
        ]
        runs = [
            {"row": line.row, "command": line.command} | found.model_dump(include=set(_FIGURES))
            for line, found in done
        ]
        curves = [
            {"identity": found.identity, "accuracy": " ".join(map(str, found.curve))}
            for _, found in done
            if found.curve
        ]
        write_atomically(self._folder / RUNS, _text(["row", *_FIGURES, "command"], runs))
        write_atomically(self._folder / CURVES, _text(["identity", "accuracy"], curves))


def read(folder: Path) -> dict[str, Outcome]:
    """The outcomes in ``folder`` by identity; a line that cannot be read is none."""
    curves = {
        line["identity"]: tuple(map(int, line["accuracy"].split()))
        for line in _rows(folder / CURVES)
    }
    found = {}
    for line in _rows(folder / RUNS):
        figures = {name: line.get(name) for name in _FIGURES}
        try:
            outcome = Outcome.model_validate(
                figures | {"curve": curves.get(str(figures["identity"]), ())}
            )
        except ValidationError:
            continue
        found[outcome.identity] = outcome
    return found


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _text(fields: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, fields, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
