"""A user's samples as text: CSV, tabs, semicolons or blanks, with a header row or without."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tifed.data.columns import Column, choose_columns
from tifed.data.labels import may_be_classes
from tifed.data.numerals import is_number
from tifed.data.table import Table
from tifed.data.text_lines import Lines, numbered_lines
from tifed.data.text_rows import TextForm, read_rows, words_of_each_line
from tifed.errors import UsageError

_BY_NAME = {"comma": ",", "semicolon": ";", "tab": "\t", "blank": None, " ": None}
_DELIMITERS = (",", ";", "\t", "|")


def read_csv(
    path: Path,
    missing: bool,
    *,
    label_column: Column | None = None,
    group_column: Column | None = None,
    segment_column: Column | None = None,
    side_column: Column | None = None,
    ignore_columns: Sequence[Column] | Column = (),
    delimiter: str | None = None,
    decimal: str = ".",
    header: bool | str | None = None,
    labels_file: str | Path | None = None,
    groups_file: str | Path | None = None,
) -> tuple[Table, None]:
    """Read a table of text: UTF-8, a row per sample.

    Every column that has no other use is a feature, in the file's order.

    Args:
        path: the file.
        missing: whether values may be missing; they become NaN.
        label_column: name or number of the column of labels; by default ``label``, or without a
            header the last one. In a file without a header that is no .csv it is the first or the
            last, whichever alone can be classes.
        group_column: the column that says whose sample it is (a speaker, a site), if any.
        segment_column: the column that tells one recording from the next, for windows.
        side_column: the column that tells on which side of the body a device was worn.
        ignore_columns: columns that are no features, such as a time.
        delimiter: ",", ";", "tab", "|" or "blank"; by default what the first line has.
        decimal: "." or ",".
        header: whether the first line names the columns; "auto" looks whether a number is in it,
            as is done by default, but in a .csv such a line is refused. Without names columns are
            c0, c1, ...
        labels_file: a file with a label per line, if the table has no column of labels.
        groups_file: a file with a group per line.

    Raises:
        UsageError: naming the line and column, or the option, that is wrong.
    """
    if decimal not in (".", ","):
        raise UsageError(f"data.decimal: {decimal!r} is not '.' or ','")
    if header is not None and not isinstance(header, bool) and header != "auto":
        raise UsageError(f"data.header: {header!r} is not true, false or 'auto'")
    if header is None and path.suffix.lower() != ".csv":
        header = "auto"
    lines = ((number, line) for number, line in numbered_lines(path) if line.strip())
    first = next(lines, None)
    if first is None:
        raise UsageError(f"{path}: is empty; the first line must name the columns")
    form = TextForm(_delimiter(delimiter, first[1], decimal), decimal, missing=missing)
    text = first[1]
    if text.endswith(";") and form.delimiter != ";":
        text = text[:-1]
    fields = [field.strip() for field in form.split(text, lines, path, first[0])]
    named = _is_header(fields, header, label_column, decimal, path, labels_file is not None)
    names = fields if named else [f"c{place}" for place in range(len(fields))]
    rows: Lines = lines if named else chain([first], lines)
    if labels_file is not None:
        if label_column is not None:
            raise UsageError("data.label_column: data.labels_file has the labels; give only one")
    elif label_column is None:
        label_column = "label" if named else _unnamed_label(path, names, form)
    columns = choose_columns(
        names, path, label=label_column, group=group_column, segment=segment_column,
        side=side_column, ignored=ignore_columns,
    )  # fmt: skip
    table = read_rows(rows, columns, form, path)
    if labels_file is not None:
        table = replace(table, labels=_beside(labels_file, table, "labels_file", path))
    if groups_file is not None:
        if group_column is not None:
            raise UsageError("data.group_column: data.groups_file has the groups; give only one")
        table = replace(table, groups=_beside(groups_file, table, "groups_file", path))
    return table, None


def _delimiter(given: str | None, line: str, decimal: str) -> str | None:
    """What separates two values, None for blanks."""
    if given is not None:
        delimiter = _BY_NAME.get(given, given) if isinstance(given, str) else ""
        if delimiter is not None and delimiter not in _DELIMITERS:
            raise UsageError(
                f"data.delimiter: {given!r} is not one of ',', ';', '|', 'tab' and 'blank'"
            )
        if delimiter == decimal:
            raise UsageError("data.delimiter: is the decimal mark as well (data.decimal)")
        return delimiter
    # A German row has as many semicolons as decimal commas, or more.
    if ";" in line.rstrip(";\n ") and line.count(";") >= line.count(","):
        return ";"
    for mark in _DELIMITERS:
        if mark in line.rstrip(";\n ") and mark != decimal:
            return mark
    if len(line.split()) > 1:
        return None
    if decimal == "," and "," in line:
        raise UsageError(
            "data.decimal: ',' seems to separate the columns as well; save the table with ';' or "
            "tabs between the columns, or say what separates them (data.delimiter)"
        )
    return ","


def _is_header(
    fields: list[str],
    header: bool | str | None,
    label_column: Column | None,
    decimal: str,
    path: Path,
    label_elsewhere: bool,
) -> bool:
    """Whether the first line names the columns; None is to refuse what may be a sample."""
    if isinstance(header, bool):
        return header
    wanted = "label" if label_column is None else label_column
    if wanted in fields and not label_elsewhere:
        return True
    numbers = [field for field in fields if is_number(field, decimal) or is_number(field)]
    if header is None and numbers and len(fields) > 1:
        raise UsageError(
            f"{path}: the first line has numbers ({numbers[0]!r}) and no column {wanted!r}, so it "
            "seems to be a sample, not the columns' names; if it is, say data.header=false: then "
            "columns are c0, c1, ... and the last one holds the labels unless data.label_column "
            "says otherwise. If these are names, say data.header=true"
        )
    return header is None or not numbers


def _unnamed_label(path: Path, names: list[str], form: TextForm) -> int:
    """Which column without a name holds the labels: the last, or unless it is a .csv the first."""
    last = len(names) - 1
    if path.suffix.lower() == ".csv":
        return last
    ends: tuple[list[str], list[str]] = ([], [])
    for _, line in numbered_lines(path):
        if text := line.strip().rstrip("" if form.delimiter == ";" else ";"):
            ends[0].append(text.split(form.delimiter, 1)[0].strip())
            ends[1].append(text.rsplit(form.delimiter, 1)[-1].strip())
    possible = [
        place for place, words in zip((0, last), ends, strict=True) if may_be_classes(words)
    ]
    if len(possible) != 1:
        raise UsageError(
            f"data.label_column: {path} does not name its columns, and "
            + ("both the first and the last" if possible else "neither the first nor the last")
            + " can be classes; say which column they are, such as data.label_column=0 or "
            f"data.label_column={last}, or name a file with data.labels_file"
        )
    return possible[0]


def _beside(given: str | Path, table: Table, option: str, path: Path) -> NDArray[Any]:
    """Labels or groups out of a file of their own, one for each row."""
    if not isinstance(given, str | Path):
        raise UsageError(f"data.{option}: {given!r} is not the path of a file")
    words = list(words_of_each_line(numbered_lines(Path(given)), Path(given)))
    if len(words) != len(table.features):
        raise UsageError(
            f"data.{option}: {given} has {len(words)} lines, but {path} has "
            f"{len(table.features)} rows; the files do not belong together"
        )
    return np.array(words, dtype=np.str_)
