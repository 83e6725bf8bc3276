"""Parquet, the format of pandas, Polars and Spark. Needs the extra ``tifed[tables]``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tifed.data.columns import Column, choose_columns
from tifed.data.table import Table
from tifed.errors import UsageError

_MOST_VALUES = 1 << 28


def read_parquet(
    path: Path,
    missing: bool,
    *,
    label_column: Column | None = None,
    group_column: Column | None = None,
    segment_column: Column | None = None,
    side_column: Column | None = None,
    ignore_columns: Sequence[Column] | Column = (),
) -> tuple[Table, None]:
    """Read a table of numbers, with columns of text or numbers for labels and groups.

    Args:
        path: the file.
        missing: whether values may be missing (null); they become NaN.
        label_column: the column of labels; by default ``label``.
        group_column: the column that says whose sample it is, if any.
        segment_column: the column that tells one recording from the next, for windows.
        side_column: the column that tells on which side of the body a device was worn.
        ignore_columns: columns that are no features.

    Raises:
        UsageError: naming the column or option that is wrong, or the extra if it is not installed.
    """
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise UsageError(
            f"{path}: Parquet files need pyarrow; pip install 'tifed[tables]'"
        ) from error
    try:
        with ParquetFile(path) as file:
            columns = choose_columns(
                file.schema_arrow.names, path,
                label="label" if label_column is None else label_column, group=group_column,
                segment=segment_column, side=side_column, ignored=ignore_columns,
            )  # fmt: skip
            if file.metadata.num_rows * len(columns.features) > _MOST_VALUES:
                raise UsageError(
                    f"{path}: has {file.metadata.num_rows} rows of {len(columns.features)} "
                    f"features; {_MOST_VALUES} values are the most"
                )
            places = (columns.label, columns.group, columns.segment, columns.side)
            texts = [None if p is None else _words(file, columns.names[p], path) for p in places]
            features = [_numbers(file, name, missing, path) for name in columns.feature_names]
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (ArrowException, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: is no Parquet file, or a damaged one ({error})") from error
    labels, groups, segments, sides = texts
    if labels is None:  # there is always a column of labels
        raise UsageError(f"{path}: has no labels")
    return Table(
        np.stack(features, axis=1), labels, groups, columns.feature_names, segments=segments,
        sides=sides,
    ), None  # fmt: skip


def _column(file: Any, name: str) -> Any:
    """One column, in one piece."""
    return file.read(columns=[name]).column(0).combine_chunks()


def _numbers(file: Any, name: str, missing: bool, path: Path) -> NDArray[Any]:
    """A column of numbers."""
    column = _column(file, name)
    if column.null_count and not missing:
        row = column.is_null().index(True).as_py()
        raise UsageError(
            f"{path}, column {name!r}: row {row} has no value; leave the row out or choose "
            "what to do with missing values (data.missing)"
        )
    values: NDArray[Any] = column.to_numpy(zero_copy_only=False)
    if values.dtype == object or values.dtype.kind not in "biuf":
        raise UsageError(
            f"{path}, column {name!r}: holds {column.type}, not numbers; leave the column out "
            "(data.ignore_columns) or say what it is (data.label_column, data.group_column)"
        )
    return values


def _words(file: Any, name: str, path: Path) -> NDArray[Any]:
    """A column of labels or groups: integers, floats or text."""
    column = _column(file, name)
    if column.null_count:
        row = column.is_null().index(True).as_py()
        raise UsageError(f"{path}, column {name!r}: row {row} is empty; fill it in")
    values: NDArray[Any] = column.to_numpy(zero_copy_only=False)
    return values if values.dtype.kind in "biuf" else values.astype(np.str_)
