"""One look at a user's table before anything learns from it: what is hardly meant to be there.

A counter, a time stamp or a row's own number tells the class where a file is sorted by class: the
network then reads the row, not the sensor, and its accuracy is worth nothing.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tifed.errors import UsageError

_NO_CLASS = ("nan", "na", "n/a", "?")  # "none" and "null" are what a detector calls nothing
_ROWS = 20  # fewer rows may well be in order by chance
_NAMED = 5  # columns or classes that a sentence names before it counts the others
_IN_ORDER = 0.95  # share of steps in one direction that no measurement has by chance
_COLUMNS = 64  # columns that show whether a table is one of few values
_FEW_VALUES = 16  # different values of a flag, a rank or an answer, but not of a measurement
_EQUAL = 0.01  # share of held-out samples that may stand in training too, as rounded readings do


def refuse_nameless(names: Sequence[str], where: str) -> None:
    """Make sure that every feature's column has a name that somebody gave it.

    Args:
        names: of the features' columns; none if the file has no names.
        where: the file, for the error.

    Raises:
        UsageError: for a column without a name, or named as pandas names one.
    """
    for number, name in enumerate(names):
        if not name.strip() or name.startswith("Unnamed: "):
            said = f"is named {name!r}" if name.strip() else "has no name"
            raise UsageError(
                f"{where}: feature column {number + 1} {said}; such a column is mostly the row "
                "number that pandas writes, from which a network learns the order of the file. "
                f"Leave it out with data.ignore_columns = [{name!r}], save the table with "
                "index=False, or give the column a name"
            )


def about_columns(features: NDArray[Any], names: Sequence[str]) -> list[str]:
    """Sentences about columns that tell where in the file a row stands.

    Args:
        features: numbers (N, D) in the file's order, one row per row of the file.
        names: of the D features, as they have to be typed; none if the file has no names.
    """
    if len(features) < _ROWS:
        return []
    # The first rows rule out nearly every column, so that a wide table costs little.
    start = np.diff(features[: 4 * _ROWS].astype(np.float64), axis=0)
    warnings = []
    for feature in np.flatnonzero(np.abs((start > 0).mean(axis=0) - 0.5) >= _IN_ORDER - 0.5)[:100]:
        steps = np.diff(features[:, feature].astype(np.float64))
        if (steps == 1).all():
            what = "counts the rows of the file"
        elif (steps > 0).mean() >= _IN_ORDER:
            what = "rises from row to row, as a time stamp does"
        elif (steps < 0).mean() >= _IN_ORDER:
            what = "falls from row to row, as a countdown does"
        else:
            continue
        name = repr(names[feature]) if names else str(feature)
        how = f"with data.ignore_columns = [{name}]" if names else "of the file"
        warnings.append(
            f"feature {name} {what}: the network may learn the order of the file from it instead "
            f"of the data; leave it out {how} unless it is meant"
        )
    return warnings


def about_constants(features: NDArray[Any], names: Sequence[str]) -> list[str]:
    """A sentence about columns that never change in training: a sensor may be dead.

    Args:
        features: numbers (N, D) of the training split.
        names: of the D features; none if the file has no names, as one of pictures.

    Raises:
        UsageError: if there is not one that changes.
    """
    if len(features) < _ROWS:
        return []
    constant = np.flatnonzero((features == features[0]).all(axis=0))
    if len(constant) == features.shape[1]:
        raise UsageError(
            "features: not one of them changes in training, so that there is nothing to learn; "
            "look at how the file was written"
        )
    if not len(constant) or not names:
        return []
    return [
        f"{_listed([names[int(feature)] for feature in constant])} of {len(names)} features: never "
        "change in training, so that they teach nothing"
    ]


def about_classes(
    train: NDArray[np.int32], test: NDArray[np.int32], class_names: Sequence[str]
) -> list[str]:
    """Sentences about classes that cannot be learnt, or not be judged.

    Args:
        train: labels (N,) of the training split.
        test: labels (M,) of the held-out split.
        class_names: one per class.
    """
    counts = np.bincount(train, minlength=len(class_names))
    judged = np.bincount(test, minlength=len(class_names))
    warnings = []
    for found, what in (
        (counts == 0, "no training sample, so that the network cannot learn it"),
        (counts == 1, "a single training sample, from which hardly anything can be learnt"),
        ((judged == 0) & (counts > 0), "no held-out sample, so that accuracy says nothing of it"),
    ):
        classes = np.flatnonzero(found)
        if len(classes):
            shown = _listed([class_names[int(label)] for label in classes])
            one = len(classes) == 1
            warnings.append(
                f"{'class' if one else 'classes'} {shown} {'has' if one else 'each have'} {what}"
            )
    odd = [name for name in class_names if name.lower() in _NO_CLASS]
    if odd:
        warnings.append(
            f"class {odd[0]!r} has the name of a missing value: if the class of these samples is "
            "not known, remove them"
        )
    return warnings


def about_equal_samples(train: NDArray[Any], test: NDArray[Any]) -> list[str]:
    """A sentence if held-out samples stand in training too: accuracy then measures memory.

    Args:
        train: numbers (N, D).
        test: numbers (M, D) of the same type.
    """
    known = Counter(_fingerprint(row) for row in train)
    equal = sum(_fingerprint(row) in known for row in test)
    if equal <= max(1, _EQUAL * len(test)):
        return []
    # Flags and answers on a scale have equal rows by nature: in training among themselves too, and
    # as often.
    values = [len(np.unique(column)) for column in train.T[:_COLUMNS]]
    twins = sum(count for count in known.values() if count > 1) / len(train)
    if np.median(values) <= _FEW_VALUES and equal / len(test) <= 1.5 * twins:
        return []
    return [
        f"{equal} of {len(test)} held-out samples are equal to training samples in every feature, "
        "so that accuracy partly measures memory; remove rows that stand twice, or hold out whole "
        "groups with data.held_out_groups"
    ]


def _fingerprint(row: NDArray[Any]) -> bytes:
    """What stands for a row in a set: the row itself would keep a large table in memory twice."""
    return hashlib.blake2b(row.tobytes(), digest_size=16).digest()


def _listed(names: Sequence[str]) -> str:
    """The first few names, and how many others there are."""
    shown = ", ".join(map(repr, names[:_NAMED]))
    return f"{shown} and {len(names) - _NAMED} more" if len(names) > _NAMED else shown
