"""A user's samples as comma-separated text with a header row."""

import csv
import difflib
import math
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from tifed.datasets.own_data import assemble
from tifed.datasets.samples import Dataset
from tifed.datasets.table import Table
from tifed.errors import UsageError


def load_csv(
    path: Path,
    *,
    label_column: str = "label",
    group_column: str | None = None,
    test_fraction: int = 20,
    quantise: str | Path = "auto",
    classes: int | None = None,
) -> Dataset:
    """Load a table: a header row, then a row per sample; UTF-8, commas.

    Every column but the label's and the group's is a feature, in the file's order.

    Args:
        path: the file.
        label_column: the column of labels. If all of them are integers they must be 0..classes-1;
            otherwise they are names, and classes are numbered in the names' order.
        group_column: the column that says whose sample it is (a speaker, a site), if any.
        test_fraction: percent for the test split, 1..90.
        quantise: "auto", "per-feature", "shared", "none", or a saved quantisation's path.
        classes: number of classes, if not all of them occur.

    Raises:
        UsageError: naming the line and column that is wrong.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = _read(file, path, label_column, group_column)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: is not UTF-8 text ({error}); save it as CSV UTF-8") from error
    except csv.Error as error:
        raise UsageError(f"{path}: is not well-formed CSV ({error}); mend or save again") from error
    return assemble(
        path, table, None, test_fraction=test_fraction, quantise=quantise, classes=classes
    )


def _read(file: TextIO, path: Path, label_column: str, group_column: str | None) -> Table:
    """Header and rows to arrays; messages name the line of the file."""
    rows = csv.reader(file, strict=True)
    header = [name.strip() for name in next(rows, [])]
    if not header:
        raise UsageError(f"{path}: is empty; the first line must name the columns")
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        raise UsageError(
            f"{path}: the header names column {repeated[0]!r} twice; give each a name of its own"
        )
    label_place = _place(header, label_column, "label_column", path)
    group_place = None
    if group_column is not None:
        group_place = _place(header, group_column, "group_column", path)
        if group_place == label_place:
            raise UsageError(f"group_column: {group_column!r} is the label column; choose another")
    places = [i for i in range(len(header)) if i not in (label_place, group_place)]
    if not places:
        raise UsageError(f"{path}: has no feature columns beside {', '.join(header)}")
    features, labels, groups = [], [], []
    for row in rows:
        if not row:
            continue  # an empty line, often the last
        line = rows.line_num
        if len(row) != len(header):
            raise UsageError(
                f"{path}: line {line} has {len(row)} values, but the header names {len(header)} "
                "columns; mend the line"
            )
        features.append([_number(row[i], path, line, header[i]) for i in places])
        labels.append(_word(row[label_place], path, line, label_column))
        if group_place is not None:
            groups.append(_word(row[group_place], path, line, str(group_column)))
    if len(labels) < 2:
        raise UsageError(f"{path}: has {len(labels)} samples; two at least are needed")
    return Table(
        np.array(features, dtype=np.float64),
        _column(labels),
        _column(groups) if group_place is not None else None,
        tuple(header[i] for i in places),
    )


def _place(header: list[str], column: str, option: str, path: Path) -> int:
    """Where ``column`` stands in the header."""
    if column in header:
        return header.index(column)
    shown = ", ".join(header[:8]) + (", ..." if len(header) > 8 else "")
    hint = ""
    if len(header) == 1 and any(mark in header[0] for mark in ";\t"):
        hint = "; columns must be separated by commas"
    elif close := difflib.get_close_matches(column, header, 1):
        hint = f"; did you mean {close[0]!r}?"
    raise UsageError(f"{option}: {path} has no column {column!r}, its header has {shown}{hint}")


def _number(text: str, path: Path, line: int, column: str) -> float:
    """A finite number."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UsageError(
            f"{path}: line {line}, column {column!r}: {text!r} is not a finite number; leave the "
            "row out or replace the value"
        )
    return value


def _word(text: str, path: Path, line: int, column: str) -> str:
    """A label or group that is not blank."""
    if not (word := text.strip()):
        raise UsageError(f"{path}: line {line}, column {column!r} is empty; fill it in")
    return word


def _column(words: list[str]) -> NDArray[np.int64] | NDArray[np.str_]:
    """Integers if every word is one, else names."""
    try:
        numbers = [int(word) for word in words]
        return np.array(numbers, dtype=np.int64)
    except (ValueError, OverflowError):
        return np.array(words, dtype=np.str_)
