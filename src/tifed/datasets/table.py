"""Samples as a user's file holds them, before anything is numbered, split or quantised."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tifed.errors import UsageError


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
    """

    features: NDArray[Any]
    labels: NDArray[Any]
    groups: NDArray[Any] | None
    feature_names: tuple[str, ...] = ()
    image_shape: tuple[int, int, int] | None = None
    one_unit: bool = False
    segments: NDArray[Any] | None = None

    def take(self, rows: NDArray[np.int64]) -> "Table":
        """The rows at ``rows`` (int, each 0..N-1), in that order; a copy."""
        return replace(
            self,
            features=self.features[rows],
            labels=self.labels[rows],
            groups=None if self.groups is None else self.groups[rows],
            segments=None if self.segments is None else self.segments[rows],
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


def in_order_of(test: Table, names: tuple[str, ...], path: Path) -> Table:
    """``test`` with its columns in the order of ``names``, which the training samples have.

    Raises:
        UsageError: if a column lacks or is one too many.
    """
    if not names or not test.feature_names or names == test.feature_names:
        return test
    lacking = [name for name in names if name not in test.feature_names]
    foreign = [name for name in test.feature_names if name not in names]
    if lacking or foreign:
        raise UsageError(
            f"{path}: "
            + (f"lacks column {lacking[0]!r}" if lacking else f"has column {foreign[0]!r} as well")
            + "; the test samples need the training samples' columns, in any order"
        )
    order = [test.feature_names.index(name) for name in names]
    return replace(test, features=test.features[:, order], feature_names=names)
