"""What becomes of values that are missing; in arrays they are NaN."""

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tifed.data.table import Table
from tifed.errors import UsageError

Rule = str | int | float
"""``refuse``, ``drop-row``, ``mean``, ``median``, or the number that stands in."""

_WORDS = ("refuse", "drop-row", "mean", "median")
CHOICES = "data.missing = 'drop-row', 'mean', 'median' (of the training split) or a number"


def check_rule(rule: Rule) -> None:
    """Make sure that there is such a rule.

    Raises:
        UsageError: if not.
    """
    number = isinstance(rule, int | float) and not isinstance(rule, bool) and math.isfinite(rule)
    if rule not in _WORDS and not number:
        raise UsageError(
            f"data.missing: {rule!r} is not one of {', '.join(_WORDS)} or a finite number"
        )


def without_incomplete(table: Table, path: Path) -> Table:
    """The samples of which no feature is missing.

    Raises:
        UsageError: if that leaves fewer than two.
    """
    lacks = np.isnan(table.features).any(axis=1) if _may_lack(table.features) else None
    if lacks is None or not lacks.any():
        return table
    if (left := int((~lacks).sum())) < 2:
        raise UsageError(
            f"{path}: {int(lacks.sum())} of {len(lacks)} rows lack a value, and data.missing = "
            f"'drop-row' leaves {left}; choose 'mean', 'median' or a number"
        )
    return table.take(np.flatnonzero(~lacks))


def refuse_missing(table: Table, path: Path) -> None:
    """Make sure that there is a value in each place.

    Raises:
        UsageError: naming the first row, from 0, and column without one.
    """
    if _may_lack(table.features) and (lacks := np.isnan(table.features)).any():
        row, column = divmod(int(lacks.argmax()), lacks.shape[1])
        name = f" ({table.feature_names[column]!r})" if table.feature_names else ""
        raise UsageError(
            f"{path}, features: row {row}, column {column}{name}: "
            f"{table.features[row, column]} is not a finite number; leave the row out or replace "
            f"the value, or choose what to do with missing values: {CHOICES}"
        )


def filled(
    train: NDArray[Any], test: NDArray[Any], rule: Rule, path: Path
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Both splits with the rule's numbers in place of NaN, calculated from training alone.

    Args:
        train: features (N, D).
        test: features (M, D).
        rule: "mean", "median" or a number; the others leave nothing to fill.
        path: the file, for messages.

    Raises:
        UsageError: if a column has no value in the training split to calculate from.

    >>> train, test = np.array([[1.0], [np.nan], [5.0]]), np.array([[np.nan]])
    >>> [part.tolist() for part in filled(train, test, "mean", Path("f.csv"))]
    [[[1.0], [3.0], [5.0]], [[3.0]]]
    """
    if rule in ("refuse", "drop-row") or not (_may_lack(train) or _may_lack(test)):
        return train, test
    columns = range(train.shape[1])
    if isinstance(rule, str):
        centre = np.median if rule == "median" else _mean
        present = [column[~np.isnan(column)] for column in train.T]
        lacking = [number for number in columns if not len(present[number])]
        if lacking:
            raise UsageError(
                f"data.missing: {path}: feature {lacking[0]} has no value in the training split "
                f"to take the {rule} of; leave the column out (data.ignore_columns) or choose a "
                "number"
            )
        stand_in = np.array([float(centre(values)) for values in present])
    else:
        stand_in = np.full(train.shape[1], float(rule))
    return (
        np.where(np.isnan(train), stand_in, train),
        np.where(np.isnan(test), stand_in, test),
    )


def with_rule(table: Table, rule: Rule, path: Path) -> Table:
    """``table`` with what the rule says before there is a split."""
    if rule == "refuse":
        refuse_missing(table, path)
        return table
    return without_incomplete(table, path) if rule == "drop-row" else table


def _mean(values: NDArray[Any]) -> float:
    """The mean, the same on every machine whatever order its processor adds in."""
    return math.fsum(values.tolist()) / len(values)


def _may_lack(features: NDArray[Any]) -> bool:
    """Only floats have NaN."""
    return features.dtype.kind == "f"
