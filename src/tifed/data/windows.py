"""Rows of readings become windows: what a gesture or an activity is recognised by.

A run is a stretch of rows, in the file's order, of one label, group, segment and side. A window
lies in one run. Its features are its rows one after another.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tifed.data.columns import MOST_COLUMNS
from tifed.data.table import Table
from tifed.errors import UsageError


def windowed(
    table: Table, window: int, hop: int, test_fraction: int | None, path: Path
) -> tuple[Table, Table | None]:
    """Cut a table of readings into windows.

    Windows that overlap share readings, so a split sample by sample would show the test split to
    the devices. The last windows of each label and group therefore are the test split, and those
    before them that share a row with one of them are left out.

    Args:
        table: readings (N, D).
        window: rows of a window, W >= 1.
        hop: rows between the first rows of two windows.
        test_fraction: percent of each label's and group's windows for the test split; None if
            there is no need to split.
        path: the file, for messages.

    Returns:
        Windows (M, W * D), and those of the test split. A feature's name is ``column[row]``.

    Raises:
        UsageError: if ``window`` or ``hop`` is no number of rows, or most rows lie in runs that
            are not long enough.
    """
    for name, value in (("window", window), ("hop", hop)):
        if type(value) is not int or value < 1:
            raise UsageError(f"data.{name}: {value!r} is not a whole number of rows, 1 or more")
    if window * table.features.shape[1] > MOST_COLUMNS:
        raise UsageError(
            f"data.window: {window} rows of {table.features.shape[1]} columns are more than "
            f"{MOST_COLUMNS} features; choose a shorter window"
        )
    edges = _edges(table)
    lengths = np.diff(edges)
    starts = np.concatenate(
        [
            np.arange(first, first + length - window + 1, hop)
            for first, length in zip(edges[:-1].tolist(), lengths.tolist(), strict=True)
        ]
    ).astype(np.int64)
    if len(starts) < 2:
        raise UsageError(
            f"data.window: {path} has {len(starts)} windows of {window} rows; the longest run of "
            f"rows with one label{_of_what(table)} has {int(lengths.max())}. Readings must be in "
            "the order of time, and not those of several persons by turns"
        )
    lost = int(lengths[lengths < window].sum())
    if 2 * lost > len(table.labels):
        raise UsageError(
            f"data.window: {lost} of the {len(table.labels)} rows of {path} lie in runs of one "
            f"label{_of_what(table)} that are shorter than a window of {window} rows, and would be "
            "lost. Sort the readings by recording and time, or choose a shorter window"
        )
    if test_fraction is None:
        return _cut(table, starts, window), None
    kept, taken = _last_of_each(table, starts, window, test_fraction)
    if not len(taken) or not len(kept):
        raise UsageError(
            f"data.test_fraction: {test_fraction} percent of the {len(starts)} windows of {path} "
            "leave one split empty; choose another share, data.test_file or data.held_out_groups"
        )
    return _cut(table, kept, window), _cut(table, taken, window)


def _edges(table: Table) -> NDArray[np.int64]:
    """The first row of each run, and the number of rows."""
    change = np.zeros(len(table.labels) - 1, dtype=np.bool_)
    for column in (table.labels, table.groups, table.segments, table.sides):
        if column is not None:
            change |= column[1:] != column[:-1]
    inner = np.flatnonzero(change) + 1
    return np.concatenate([[0], inner, [len(table.labels)]]).astype(np.int64)


def _last_of_each(
    table: Table, starts: NDArray[np.int64], window: int, percent: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First rows of the training windows and of the test windows."""
    _, kind = np.unique(table.labels[starts], return_inverse=True)
    if table.groups is not None:
        _, group = np.unique(table.groups[starts], return_inverse=True)
        kind = kind * (int(group.max()) + 1) + group
    test = np.zeros(len(starts), dtype=np.bool_)
    for value in np.unique(kind):
        places = np.flatnonzero(kind == value)
        count = (len(places) * percent + 50) // 100
        test[places[len(places) - count :]] = True
    covered = np.zeros(len(table.labels) + 1, dtype=np.int64)
    np.add.at(covered, starts[test], 1)
    np.add.at(covered, starts[test] + window, -1)
    before = np.concatenate([[0], np.cumsum(np.cumsum(covered) > 0)])  # rows of the test split
    apart = before[starts + window] == before[starts]
    return starts[~test & apart], starts[test]


def _cut(table: Table, starts: NDArray[np.int64], window: int) -> Table:
    """The windows that begin at ``starts``."""
    names = table.feature_names or tuple(f"c{i}" for i in range(table.features.shape[1]))
    first = table.take(starts)
    views = np.lib.stride_tricks.sliding_window_view(table.features, window, axis=0)
    features: NDArray[Any] = views[starts].transpose(0, 2, 1).reshape(len(starts), -1)
    return replace(
        first,
        features=features,
        feature_names=tuple(f"{name}[{row}]" for row in range(window) for name in names),
        image_shape=None,
        one_unit=table.one_unit or table.features.shape[1] == 1,
        segments=None,
        first=starts,
    )


def _of_what(table: Table) -> str:
    """What else a run has one of."""
    return (", group" if table.groups is not None else "") + (
        ", segment" if table.segments is not None else ""
    )
