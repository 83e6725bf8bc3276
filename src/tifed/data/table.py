"""Samples as a user's file holds them, before anything is numbered, split or quantised."""

import difflib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tifed.data.recorded import Recorded
from tifed.errors import UsageError
from tifed.rule.signal import SignalFrontEnd


@dataclass(frozen=True, eq=False)
class Table:
    """Samples as a user's file holds them.

    Attributes:
        features: numbers (N, D); NaN where a value is missing.
        labels: integers or strings (N,).
        groups: integers or strings (N,), or None.
        feature_names: one per column of features; empty if the file does not name them.
        image_shape: (height, width, channels) if a sample is a picture, features in that order.
        one_unit: whether all features are known to have the same unit, as pixels or the
            readings of one signal have.
        segments: integers or strings (N,), or None: where another one begins, a recording ends.
        sides: strings (N,), or None: on which side of the body a device was worn.
        signal: the signal front end that the features are of, int8 then; None for others.
        first: int64 (N,), of windows the row of the table that each was cut from, in which it
            begins; None for others.
        recorded: the readings that a signal front end made the features of, if they are kept.
    """

    features: NDArray[Any]
    labels: NDArray[Any]
    groups: NDArray[Any] | None
    feature_names: tuple[str, ...] = ()
    image_shape: tuple[int, int, int] | None = None
    one_unit: bool = False
    segments: NDArray[Any] | None = None
    sides: NDArray[Any] | None = None
    signal: SignalFrontEnd | None = None
    first: NDArray[np.int64] | None = None
    recorded: Recorded | None = None

    def take(self, rows: NDArray[np.int64]) -> "Table":
        """The rows at ``rows`` (int, each 0..N-1), in that order; a copy."""
        return replace(
            self,
            features=self.features[rows],
            labels=self.labels[rows],
            groups=None if self.groups is None else self.groups[rows],
            segments=None if self.segments is None else self.segments[rows],
            sides=None if self.sides is None else self.sides[rows],
            first=None if self.first is None else self.first[rows],
            recorded=None if self.recorded is None else self.recorded.take(rows),
        )

    def check(self, path: Path, prefix: str = "") -> None:
        """Make sure that there is one label (and group) per row of features, and a row.

        Raises:
            UsageError: naming ``path`` and the field, with ``prefix`` before its name.
        """
        shape = self.features.shape
        if len(shape) != 2 or min(shape) < 1:
            raise UsageError(
                f"{path}, {prefix}features: must be of shape (samples, features), both 1 or more, "
                f"not {shape}"
            )
        for name, column in (("labels", self.labels), ("groups", self.groups)):
            if column is not None and column.shape != shape[:1]:
                raise UsageError(
                    f"{path}, {prefix}{name}: shape {column.shape} does not fit {shape[0]} rows of "
                    f"features; it must be ({shape[0]},)"
                )


def in_order_of(table: Table, names: tuple[str, ...], path: Path, whose: str) -> Table:
    """``table`` with its columns in the order of ``names``; as it is where either has no names.

    Args:
        table: as a file has it.
        names: of the columns that are wanted.
        path: the file, for an error.
        whose: what has these columns, for an error.

    Raises:
        UsageError: if a column lacks or is one too many.
    """
    given = table.feature_names
    if not names or not given or names == given:
        return table
    lacking = [name for name in names if name not in given]
    foreign = [name for name in given if name not in names]
    if lacking:
        near = difflib.get_close_matches(lacking[0], foreign, 1)
        raise UsageError(
            f"{path}: lacks column {lacking[0]!r}, which {whose} has"
            + (f"; did you mean {near[0]!r}?" if near else "; their order does not matter")
        )
    if foreign:
        raise UsageError(
            f"{path}: has column {foreign[0]!r}, which {whose} does not have; leave it out with "
            f"data.ignore_columns = [{foreign[0]!r}]"
        )
    order = [given.index(name) for name in names]
    return replace(table, features=table.features[:, order], feature_names=names)
