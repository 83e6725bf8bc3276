"""Tables on disk: CSV files whose columns are the fields of a model, read strictly."""

import csv
import io
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, PlainSerializer, ValidationError

from tifed.errors import UsageError
from tifed.files.atomic import write_atomically

RowT = TypeVar("RowT", bound=BaseModel)


def _joined(mark: str) -> Any:
    """How a tuple of numbers is one cell of a table."""
    return (
        BeforeValidator(lambda cell: cell.split(mark) if isinstance(cell, str) else cell),
        PlainSerializer(lambda numbers: mark.join(map(str, numbers)), return_type=str),
    )


Numbers = Annotated[tuple[int, ...], *_joined(" ")]
"""A cell of numbers with spaces between them: ``0 1``."""

Shape = Annotated[tuple[int, ...], *_joined("-")]
"""A cell that holds the sizes of a network: ``784-200-10``."""


def read_table(path: Traversable, row: type[RowT]) -> tuple[RowT, ...]:
    """The rows of the table at ``path``.

    Raises:
        UsageError: if it cannot be read, or naming the line and the column that are wrong. A cell
            has to be written as `write_table` would write it.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: is not UTF-8 text (byte {error.start})") from error
    columns = list(row.model_fields)
    lines = csv.reader(io.StringIO(text), strict=True)
    rows = []
    try:
        for cells in lines:
            where = f"{path}: line {lines.line_num}"
            if lines.line_num == 1:
                if cells != columns:
                    raise UsageError(f"{where}: the columns have to be {','.join(columns)}")
            elif len(cells) != len(columns):
                raise UsageError(f"{where}: has {len(cells)} cells instead of {len(columns)}")
            else:
                rows.append(_row(where, row, dict(zip(columns, cells, strict=True))))
    except csv.Error as error:
        raise UsageError(f"{path}: line {lines.line_num}: is not CSV ({error})") from error
    if not text:
        raise UsageError(f"{path}: is empty; its first line has to be {','.join(columns)}")
    return tuple(rows)


def write_table(path: Path, row: type[RowT], rows: tuple[RowT, ...]) -> None:
    """Write the table whole: a reader sees the old one or the new one.

    Raises:
        UsageError: if the folder cannot be written.
    """
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(row.model_fields)
    lines.writerows(_cells(one).values() for one in rows)
    write_atomically(path, text.getvalue())


def _row(where: str, row: type[RowT], cells: dict[str, str]) -> RowT:
    try:
        found = row.model_validate(cells)
    except ValidationError as error:
        first = error.errors()[0]
        column = f"{first['loc'][0]}: " if first["loc"] else ""
        raise UsageError(
            f"{where}: {column}{first['msg'].removeprefix('Value error, ')}"
        ) from error
    for column, cell in _cells(found).items():
        if cells[column] != cell:
            raise UsageError(f"{where}: {column}: {cells[column]!r} has to be written as {cell!r}")
    return found


def _cells(row: BaseModel) -> dict[str, str]:
    return {column: str(value) for column, value in row.model_dump(mode="json").items()}
