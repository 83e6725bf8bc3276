"""ARFF, the format of Weka and OpenML: attributes with types, then rows with commas.

SciPy reads it too, but takes ``1_000`` for a number and does not say which line is wrong.
"""

import re
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from tifed.data.columns import Column, choose_columns
from tifed.data.numerals import shown
from tifed.data.table import Table
from tifed.data.text_lines import Lines, numbered_lines
from tifed.data.text_rows import TextForm, read_rows
from tifed.errors import UsageError

_ATTRIBUTE = re.compile(r"""@attribute\s+('[^']*'|"[^"]*"|\S+)\s+(\S.*)""", re.IGNORECASE)
_LABELS = ("class", "label")
_NUMERIC = ("numeric", "real", "integer")


def read_arff(
    path: Path,
    missing: bool,
    *,
    label_column: Column | None = None,
    group_column: Column | None = None,
    segment_column: Column | None = None,
    side_column: Column | None = None,
    ignore_columns: Sequence[Column] | Column = (),
) -> tuple[Table, None]:
    """Read dense rows of an ARFF file.

    Args:
        path: the file.
        missing: whether values may be missing (``?``); they become NaN.
        label_column: the attribute of labels; by default ``class`` or ``label``, else the last one
            if it is nominal.
        group_column: the attribute that says whose sample it is, if any.
        segment_column: the attribute that tells one recording from the next, for windows.
        side_column: the attribute that tells on which side of the body a device was worn.
        ignore_columns: attributes that are no features.

    Raises:
        UsageError: naming the line and attribute, or the option, that is wrong.
    """
    lines = _meaningful(numbered_lines(path))
    names, types = _attributes(lines, path)
    if label_column is None:
        known = [name for name in names if name.lower() in _LABELS]
        if len(known) != 1 and types[-1].lower().startswith(_NUMERIC):
            raise UsageError(
                f"data.label_column: {path} has no attribute 'class', and its last one, "
                f"{names[-1]!r}, is {types[-1]}; name the attribute of the classes"
            )
        label_column = known[0] if len(known) == 1 else len(names) - 1
    columns = choose_columns(
        names, path, label=label_column, group=group_column, segment=segment_column,
        side=side_column, ignored=ignore_columns,
    )  # fmt: skip
    first = next(lines, None)
    if first is None:
        raise UsageError(f"{path}: has no rows after @data")
    if first[1].startswith("{"):
        raise UsageError(f"{path}: line {first[0]}: sparse rows are not read; save dense ones")
    quote = '"' if '"' in first[1] else "'"
    form = TextForm("," if "," in first[1] else None, quote=quote, missing=missing)
    return read_rows(chain([first], lines), columns, form, path), None


def _meaningful(lines: Lines) -> Lines:
    """The lines that are neither empty nor comments."""
    for number, line in lines:
        if (text := line.strip()) and not text.startswith("%"):
            yield number, text


def _attributes(lines: Lines, path: Path) -> tuple[list[str], list[str]]:
    """Names and types, in the order of the columns; ``lines`` are at the first row afterwards."""
    names, types = [], []
    for number, line in lines:
        if line.lower().startswith("@data"):
            break
        if line.lower().startswith("@relation"):
            continue
        match = _ATTRIBUTE.fullmatch(line)
        if match is None:
            raise UsageError(
                f"{path}: line {number}: {shown(line)} is not @attribute NAME TYPE, as the lines "
                "before @data must be"
            )
        if match[2].lower().startswith("relational"):
            raise UsageError(f"{path}: line {number}: relational attributes are not read")
        names.append(match[1].strip("'\""))
        types.append(match[2])
    else:
        raise UsageError(f"{path}: has no line @data")
    if not names:
        raise UsageError(f"{path}: has no attributes before @data")
    return names, types
