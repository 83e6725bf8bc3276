"""A CSV file that grows by rows: appended and synced, checked and cut where a run goes on.

Each row is one line. Whatever a process that was killed has left is a file of whole rows and, at
its end, part of one; `sound_part` tells them apart.
"""

import csv
import io
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tifed.errors import UsageError
from tifed.files.atomic import make_folder, sync_folder, writing

Row = dict[str, str]


@dataclass(frozen=True)
class SoundPart:
    """The first rows of a file, up to one that is not as it should be.

    Attributes:
        rows: column to text, first to last.
        ends: per row the byte behind it.
        start: the byte behind the header; 0 where there is no sound header.
        wrong: names the line behind the rows and what is wrong with it; empty where the file ends
            there, be it in the middle of a row.
    """

    rows: tuple[Row, ...] = ()
    ends: tuple[int, ...] = ()
    start: int = 0
    wrong: str = ""

    def end_of(self, rows: int) -> int:
        """The byte behind the first ``rows`` rows."""
        return self.ends[rows - 1] if rows else self.start


def append_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Put ``rows``, which all have the same keys, at the end of ``path``, and flush it to the disk.

    What it costs does not grow with the file.

    Raises:
        UsageError: if the file cannot be written, or has other columns.
    """
    if not rows:
        return
    columns = list(rows[0])
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    with writing(path):
        make_folder(path.parent)
        with path.open("a+b") as file:
            file.seek(0)
            header = file.readline().decode(errors="replace").rstrip("\r\n")
            new = not header
            if new:
                writer.writeheader()
            elif header != ",".join(columns):
                raise UsageError(
                    f"{path}: has the columns {header}, but this release writes "
                    f"{','.join(columns)}; start a new run"
                )
            writer.writerows(rows)
            file.write(text.getvalue().encode())
            file.flush()
            os.fsync(file.fileno())
        if new:
            sync_folder(path.parent)


def sound_part(path: Path, check: Callable[[Row, int], None]) -> SoundPart:
    """The rows of ``path`` as long as they are whole and ``check`` takes them.

    Args:
        path: of the file; one that is not there has no rows.
        check: given a row and how many came before it, raises ValueError for a wrong one.

    Raises:
        UsageError: if the file cannot be read.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return SoundPart()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from error
    *lines, _torn = data.split(b"\n")
    if not lines:
        return SoundPart()
    rows: list[Row] = []
    ends: list[int] = []
    start = at = len(lines[0]) + 1
    try:
        columns = _fields(lines[0])
        if len(set(columns)) < len(columns) or "round" not in columns:
            raise ValueError("it has no column 'round', or one twice")
    except ValueError as error:
        return SoundPart(wrong=f"{path}: line 1: {error}")
    for number, line in enumerate(lines[1:]):
        try:
            fields = _fields(line)
            if len(fields) != len(columns):
                raise ValueError(f"{len(fields)} fields for {len(columns)} columns")
            row = dict(zip(columns, fields, strict=True))
            check(row, number)
        except ValueError as error:
            wrong = f"{path}: line {number + 2}: {error}"
            return SoundPart(tuple(rows), tuple(ends), start, wrong)
        at += len(line) + 1
        rows.append(row)
        ends.append(at)
    return SoundPart(tuple(rows), tuple(ends), start)


def cut(path: Path, end: int) -> None:
    """Take away what ``path`` has from byte ``end`` on; the file itself if nothing is left.

    Raises:
        UsageError: if the file cannot be written.
    """
    with writing(path):
        if end == 0:
            path.unlink(missing_ok=True)
        elif path.stat().st_size > end:
            with path.open("r+b") as file:
                file.truncate(end)
                file.flush()
                os.fsync(file.fileno())


def _fields(line: bytes) -> list[str]:
    """A line's fields.

    Raises:
        ValueError: if it is not UTF-8 text, or not one row of CSV.
    """
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        raise ValueError("is not UTF-8 text") from error
    try:
        (fields,) = csv.reader([text], strict=True)
    except (csv.Error, ValueError) as error:
        raise ValueError("is not a row of CSV") from error
    return fields
