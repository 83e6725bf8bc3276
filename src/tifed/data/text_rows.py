"""Rows of text to numbers and words: by NumPy's reader, block by block, where nothing is wrong.

Where something is, or where NumPy is not strict (it takes ``nan``), the careful reader looks at
each value of the block: it finds the line and column of an error and knows missing values. Both
agree on every number; tests/data/test_text_rows.py compares them.
"""

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tifed.data.columns import Columns
from tifed.data.missing import CHOICES
from tifed.data.numerals import is_missing, is_number, shown, to_number
from tifed.data.table import Table
from tifed.data.text_lines import Lines
from tifed.errors import UsageError

_BLOCK = 1 << 20  # characters: enough for speed, little for memory
_LONGEST_WORD = 200  # characters of a label: an array of text is as wide as its longest


@dataclass(frozen=True)
class TextForm:
    """How a row is written.

    Attributes:
        delimiter: what separates two values; None for blanks, any number of them.
        decimal: "." or ",".
        quote: the character around a value that holds a delimiter.
        missing: whether values may be missing; they become NaN.
    """

    delimiter: str | None
    decimal: str = "."
    quote: str = '"'
    missing: bool = False

    def split(self, line: str, rest: Lines, path: Path, number: int) -> list[str]:
        """The values of a line; of the ``rest`` too where a quoted value has several lines.

        Raises:
            UsageError: if quotation marks do not match.
        """
        if self.delimiter is None:
            return line.split()
        if self.quote not in line:
            return line.split(self.delimiter)
        lines = chain([line + "\n"], (text + "\n" for _, text in rest))
        reader = csv.reader(
            lines, delimiter=self.delimiter, quotechar=self.quote, strict=True,
            skipinitialspace=True,
        )  # fmt: skip
        try:
            return next(reader)
        except csv.Error as error:
            raise UsageError(
                f"{path}: line {number}: is not well-formed CSV ({error}); mend or save again"
            ) from error


def read_rows(lines: Lines, columns: Columns, form: TextForm, path: Path) -> Table:
    """All rows of a table.

    Args:
        lines: those after the header. Empty ones are skipped, and so is a semicolon at the end of a
            line that does not separate values.
        columns: what to take from each row.
        form: how rows are written.
        path: the file, for messages.

    Returns:
        Features float64, or a small integer type if all values fit in it; labels and groups as
        text, without blanks around them. Labels are empty if they are in a file of their own.

    Raises:
        UsageError: naming line and column of what is wrong.
    """
    blocks: list[NDArray[Any]] = []
    places = columns.texts
    words: dict[int, list[str]] = {place: [] for place in places}
    width = len(columns.names)
    block = _Block(columns, form, path)
    for number, line in lines:
        if not line or line.isspace():
            continue
        if line[-1] == ";" and form.delimiter != ";":
            line = line[:-1]
        if form.delimiter is not None and form.quote not in line:
            fields, count = None, line.count(form.delimiter) + 1
        else:
            fields = form.split(line, lines, path, number)
            count = len(fields)
        if count != width:
            raise UsageError(_wrong_width(path, number, count, width))
        for place in places:
            text = (
                _field(line, place, width, form.delimiter or "")
                if fields is None
                else fields[place]
            )
            words[place].append(_word(text, path, number, columns.names[place]))
        if fields is not None and form.delimiter is not None:
            line = block.rejoined(fields, number)
        if block.add(number, line):
            blocks.append(block.numbers())
    if block.lines:
        blocks.append(block.numbers())
    if (samples := sum(map(len, blocks))) < 2:
        raise UsageError(f"{path}: has {samples} samples; two at least are needed")
    taken = {place: np.array(texts, dtype=np.str_) for place, texts in words.items()}

    def column(place: int | None) -> NDArray[Any] | None:
        return None if place is None else taken[place]

    labels = column(columns.label)
    return Table(
        _joined(blocks),
        np.array([], dtype=np.str_) if labels is None else labels,
        column(columns.group),
        columns.feature_names,
        segments=column(columns.segment),
        sides=column(columns.side),
    )


class _Block:
    """Lines that wait to be read together."""

    def __init__(self, columns: Columns, form: TextForm, path: Path) -> None:
        self.columns, self.form, self.path = columns, form, path
        self.lines: list[str] = []
        self._numbers: list[int] = []
        self._size = 0

    def add(self, number: int, line: str) -> bool:
        """Put a line to the others; whether that is enough for a block."""
        self.lines.append(line)
        self._numbers.append(number)
        self._size += len(line)
        return self._size >= _BLOCK

    def rejoined(self, fields: list[str], number: int) -> str:
        """A line without quotation marks: what is not a feature is left empty."""
        delimiter = str(self.form.delimiter)
        kept = [""] * len(fields)
        for place in self.columns.features:
            kept[place] = fields[place].replace("\n", " ")
            if delimiter in kept[place]:
                self._value(fields[place], number, place)  # refuses it: no number has a delimiter
        return delimiter.join(kept)

    def numbers(self) -> NDArray[Any]:
        """The features of the lines, which are forgotten."""
        values = self._fast()
        if values is None:
            values = self._careful()
        self.lines, self._numbers, self._size = [], [], 0
        return _narrow(values)

    def _fast(self) -> NDArray[np.float64] | None:
        """By NumPy; None if a value is no finite number, or may be none."""
        form, lines = self.form, self.lines
        if form.decimal == ",":
            if any("." in line for line in lines):
                return None
            lines = [line.replace(",", ".") for line in lines]
        features = self.columns.features
        whole = len(features) == len(self.columns.names)
        try:
            values: NDArray[np.float64] = np.loadtxt(
                lines, delimiter=form.delimiter, comments=None, ndmin=2,
                usecols=None if whole else features,
            )  # fmt: skip
        except ValueError:
            return None
        right = len(values) == len(lines) and bool(np.isfinite(values).all())
        return values if right else None

    def _careful(self) -> NDArray[np.float64]:
        """Value by value.

        Raises:
            UsageError: naming line and column of the first that is none.
        """
        delimiter, features = self.form.delimiter, self.columns.features
        values = np.empty((len(self.lines), len(features)))
        for row, (number, line) in enumerate(zip(self._numbers, self.lines, strict=True)):
            fields = line.split(delimiter)
            values[row] = [self._value(fields[place], number, place) for place in features]
        return values

    def _value(self, text: str, number: int, place: int) -> float:
        """One finite number, or NaN if it may be missing."""
        name, form = self.columns.names[place], self.form
        where = f"{self.path}: line {number}, column {name!r}"
        if is_number(text, form.decimal):
            value = to_number(text, form.decimal)
            if not math.isfinite(value):
                raise UsageError(f"{where}: {shown(text)} is not a finite number; it is too large")
            return value
        if is_missing(text):
            if form.missing:
                return math.nan
            if not name and not text.strip():
                raise UsageError(
                    f"{self.path}: line {number} is empty in column {place}, which has no name: "
                    "the lines seem to end with one delimiter too many. Remove it, or say "
                    f"data.ignore_columns=[{place}]"
                )
            raise UsageError(
                f"{where}: {shown(text)} is not a finite number but a missing value; leave the row "
                f"out or replace the value, or choose what to do with it: {CHOICES}"
            )
        other = "," if form.decimal == "." else "."
        if is_number(text, other):
            advice = f"if {other!r} is the decimal mark, say data.decimal={other!r}"
        else:
            advice = (
                "mend it, or leave the column out (data.ignore_columns) or say what it is "
                "(data.label_column, data.group_column)"
            )
        raise UsageError(f"{where}: {shown(text)} is not a number; {advice}")


def _field(line: str, place: int, width: int, delimiter: str) -> str:
    """One value of a line without quotation marks, from the nearer end."""
    if place * 2 < width:
        return line.split(delimiter, place + 1)[place]
    return line.rsplit(delimiter, width - place)[-(width - place)]


def _word(text: str, path: Path, number: int, column: str) -> str:
    """A label or group: not blank, and not a novel."""
    if not (word := text.strip()):
        raise UsageError(f"{path}: line {number}, column {column!r} is empty; fill it in")
    if len(word) > _LONGEST_WORD:
        raise UsageError(
            f"{path}: line {number}, column {column!r}: {shown(word)} has {len(word)} characters; "
            f"a label or group has {_LONGEST_WORD} at most"
        )
    return word


def _wrong_width(path: Path, number: int, count: int, width: int) -> str:
    """What to say about a line with another number of values than there are columns."""
    return (
        f"{path}: line {number} has {count} values, but the header names {width} columns; "
        "mend the line"
    )


def _narrow(values: NDArray[np.float64]) -> NDArray[Any]:
    """Small integers in as few bytes as they need: bytes in an eighth of the memory."""
    if not values.size:
        return values
    low, high = values.min(), values.max()
    for kind in (np.uint8, np.int16):
        limits = np.iinfo(kind)
        if limits.min <= low and high <= limits.max:
            small: NDArray[Any] = values.astype(kind)
            return small if np.array_equal(small, values) else values
    return values


def _joined(blocks: list[NDArray[Any]]) -> NDArray[Any]:
    """One array of all blocks, each of which is freed as soon as it is copied."""
    whole = np.empty(
        (sum(map(len, blocks)), blocks[0].shape[1]),
        np.result_type(*{block.dtype for block in blocks}),
    )
    end = len(whole)
    while blocks:
        block = blocks.pop()
        whole[end - len(block) : end] = block
        end -= len(block)
    return whole


def words_of_each_line(lines: Lines, path: Path) -> Iterator[str]:
    """A file with one label or group in each line; empty lines do not count.

    Raises:
        UsageError: if one is too long.
    """
    for number, line in lines:
        if line and not line.isspace():
            yield _word(line, path, number, "of the whole line")
