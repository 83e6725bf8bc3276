"""Finished runs in docs/results: one line each, so that nothing is run twice."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from benchmarks.results.outcome import Outcome
from pydantic import ValidationError

from tifed.files.atomic import write_atomically

RUNS, CURVES = "runs.csv", "curves.csv"


def read(folder: Path) -> dict[str, Outcome]:
    """The runs in ``folder`` by identity; a line that cannot be read is not a run."""
    curves = {
        line["identity"]: tuple(map(int, line["accuracy"].split()))
        for line in _lines(folder / CURVES)
    }
    found = {}
    for line in _lines(folder / RUNS):
        try:
            outcome = Outcome.model_validate(line | {"curve": curves.get(line["identity"], ())})
        except (KeyError, ValidationError):
            continue
        found[outcome.identity] = outcome
    return found


def write(folder: Path, outcomes: Sequence[Outcome]) -> None:
    """Replace the runs in ``folder``."""
    fields = [name for name in Outcome.model_fields if name != "curve"]
    rows = [one.model_dump(include=set(fields)) for one in outcomes]
    write_atomically(folder / RUNS, _text(fields, rows))
    curves = [
        {"identity": one.identity, "accuracy": " ".join(map(str, one.curve))}
        for one in outcomes
        if one.curve
    ]
    write_atomically(folder / CURVES, _text(["identity", "accuracy"], curves))


def _lines(path: Path) -> list[dict[str, str]]:
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
