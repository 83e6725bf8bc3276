"""Which column of a table is the label, the group, a feature, or nothing."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tifed.errors import UsageError

MOST_COLUMNS = 1 << 17
"""More than any microcontroller's network takes: such a file is not what it seems."""

Column = str | int
"""A column's name, or its number from 0; -1 is the last."""


@dataclass(frozen=True)
class Columns:
    """The columns of a table by what they are for.

    Attributes:
        names: of all columns.
        features: places of the features, in the file's order.
        label: place of the label, or None if labels are in a file of their own.
        group: place of the group, or None.
        segment: place of what tells recordings apart, or None.
        side: place of what tells on which side of the body a device was worn, or None.
    """

    names: tuple[str, ...]
    features: tuple[int, ...]
    label: int | None
    group: int | None
    segment: int | None
    side: int | None = None

    @property
    def texts(self) -> tuple[int, ...]:
        """Places of what is no number, each once."""
        places = (self.label, self.group, self.segment, self.side)
        return tuple(dict.fromkeys(place for place in places if place is not None))

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The features' names."""
        return tuple(self.names[place] for place in self.features)


def choose_columns(
    names: Sequence[str],
    path: Path,
    *,
    label: Column | None,
    group: Column | None = None,
    segment: Column | None = None,
    side: Column | None = None,
    ignored: Sequence[Column] | Column = (),
) -> Columns:
    """Find the columns that are asked for; all others are features.

    Args:
        names: of all columns, each different.
        path: the file, for messages.
        label: the column of labels; None if there is none.
        group: the column of groups, if any.
        segment: the column of segments, if any.
        side: the column of sides of the body, if any.
        ignored: columns to be left out.

    Raises:
        UsageError: naming the option that does not fit the table.
    """
    if len(names) > MOST_COLUMNS:
        raise UsageError(
            f"{path}: has {len(names)} columns; {MOST_COLUMNS} are the most. Is it a table with a "
            "row per sample?"
        )
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise UsageError(
                f"{path}: the header names column {name!r} twice; give each a name of its own"
            )
        seen.add(name)
    wanted = {
        "label_column": label, "group_column": group, "segment_column": segment,
        "side_column": side,
    }  # fmt: skip
    places = {
        option: _place(names, column, option, path)
        for option, column in wanted.items()
        if column is not None
    }
    # What is no list is one column, and if it is none either, `_place` says so.
    several: Sequence[Any] = ignored if isinstance(ignored, list | tuple) else [ignored]
    left_out = {_place(names, column, "ignore_columns", path) for column in several}
    for option, place in places.items():
        if option != "label_column" and place == places.get("label_column"):
            raise UsageError(f"data.{option}: {names[place]!r} is the label column; choose another")
        if place in left_out:
            raise UsageError(f"data.ignore_columns: {names[place]!r} is data.{option} as well")
    features = tuple(
        place
        for place in range(len(names))
        if place not in places.values() and place not in left_out
    )
    if not features:
        raise UsageError(f"{path}: has no feature columns beside {_shown(names)}")
    return Columns(
        tuple(names),
        features,
        places.get("label_column"),
        places.get("group_column"),
        places.get("segment_column"),
        places.get("side_column"),
    )


def _place(names: Sequence[str], column: Column, option: str, path: Path) -> int:
    """Where ``column`` stands."""
    if type(column) is int:
        if not -len(names) <= column < len(names):
            raise UsageError(
                f"data.{option}: {path} has no column {column}, its columns are numbered "
                f"0..{len(names) - 1}"
            )
        return column % len(names)
    if not isinstance(column, str):
        raise UsageError(f"data.{option}: {column!r} is not a column's name or number")
    if column in names:
        return names.index(column)
    hint = ""
    if len(names) == 1 and any(mark in names[0] for mark in ",;\t|"):
        mark = next(mark for mark in ",;\t|" if mark in names[0])
        shown = "tab" if mark == "\t" else mark
        hint = f"; say what separates the columns, such as data.delimiter={shown!r}"
    elif close := difflib.get_close_matches(column, names, 1):
        hint = f"; did you mean {close[0]!r}?"
    elif option == "label_column" and column == "label":
        hint = "; name the column of the classes (data.label_column)"
    raise UsageError(
        f"data.{option}: {path} has no column {column!r}, its header has {_shown(names)}{hint}"
    )


def _shown(names: Sequence[str]) -> str:
    """The first few names."""
    few = ", ".join(name if len(name) <= 40 else f"{name[:40]}..." for name in names[:8])
    return few + (", ..." if len(names) > 8 else "")
