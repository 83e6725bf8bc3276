"""The .ts files of the UCR and UEA archives: series of readings, a class at the end of a line."""

from dataclasses import replace
from itertools import chain
from pathlib import Path

from tifed.data.columns import choose_columns
from tifed.data.table import Table
from tifed.data.text_lines import Lines, numbered_lines
from tifed.data.text_rows import TextForm, read_rows
from tifed.errors import UsageError


def read_ts(path: Path, missing: bool) -> tuple[Table, None]:
    """Read series of equal length.

    Features are a sample's first series from begin to end, then its second, and so on. Their names
    are ``t0`` ..., or ``d0[0]`` ... if a sample has several series.

    Args:
        path: the file.
        missing: whether values may be missing (``?``); they become NaN.

    Raises:
        UsageError: naming the line that is wrong, or that has series of another length.
    """
    lines = numbered_lines(path)
    for number, line in lines:
        text = line.strip().lower()
        if text.startswith("@timestamps") and "true" in text:
            raise UsageError(f"{path}: line {number}: series with time stamps are not read")
        if text.startswith(("@classlabel false", "@targetlabel")):
            raise UsageError(f"{path}: line {number}: the samples have no classes")
        if text.startswith("@data"):
            break
        if text and not text.startswith(("@", "#")):
            raise UsageError(f"{path}: line {number}: must begin with @ or #, or follow @data")
    else:
        raise UsageError(f"{path}: has no line @data")
    first = next(((number, line) for number, line in lines if line.strip()), None)
    if first is None:
        raise UsageError(f"{path}: has no samples after @data")
    lengths = _lengths(first[1])
    if not lengths:
        raise UsageError(f"{path}: line {first[0]}: has no class after a colon")
    names = (
        [f"t{time}" for time in range(lengths[0])]
        if len(lengths) == 1
        else [f"d{series}[{time}]" for series, count in enumerate(lengths) for time in range(count)]
    )
    columns = choose_columns([*names, "label"], path, label="label")
    rows = _rows(chain([first], lines), lengths, path)
    table = read_rows(rows, columns, TextForm(",", missing=missing), path)
    return replace(table, one_unit=len(lengths) == 1), None


def _lengths(line: str) -> list[int]:
    """How many readings each series of a line has."""
    return [series.count(",") + 1 for series in line.strip().split(":")[:-1]]


def _rows(lines: Lines, lengths: list[int], path: Path) -> Lines:
    """Rows with commas, the class last."""
    for number, line in lines:
        if not line.strip():
            continue
        if (found := _lengths(line)) != lengths:
            raise UsageError(
                f"{path}: line {number} has series of {found} readings, but the first sample has "
                f"{lengths}; series of different lengths are not read, cut or fill them"
            )
        yield number, line.replace(":", ",")
