"""The cache of the results: docs/results/runs.csv has a line per run, curves.csv its curve."""

import csv
import io
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from benchmarks.results.outcome import Outcome
from pydantic import ValidationError

from tifed.files.atomic import write_atomically

RUNS, CURVES = "runs.csv", "curves.csv"
_FIGURES = [name for name in Outcome.model_fields if name != "curve"]


class CsvCache:
    """Outcomes, written whenever one is added.

    Their order, and what a line says beside its outcome (row, command), is given by identity.
    """

    def __init__(self, folder: Path, labels: Mapping[str, Mapping[str, str]]) -> None:
        """Read what is in ``folder``."""
        self._folder, self._labels = folder, labels
        self._outcomes = read(folder)

    def forget(self, identities: Collection[str]) -> None:
        """Drop these outcomes, for they are run again."""
        self._outcomes = {
            name: one for name, one in self._outcomes.items() if name not in identities
        }

    def get(self, identity: str, /) -> Outcome | None:
        """An outcome; None if there is none."""
        return self._outcomes.get(identity)

    def __setitem__(self, identity: str, outcome: Outcome, /) -> None:
        """Keep an outcome."""
        self._outcomes[identity] = outcome
        self.write()

    def write(self) -> None:
        """Replace both files; outcomes without labels are dropped."""
        done = [one for name in self._labels if (one := self.get(name)) is not None]
        runs = [{**self._labels[one.identity], **one.model_dump()} for one in done]
        curves = [
            {"identity": one.identity, "accuracy": " ".join(map(str, one.curve))}
            for one in done
            if one.curve
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
    writer = csv.DictWriter(text, fields, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
