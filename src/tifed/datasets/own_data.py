"""A user's own table of numbers becomes a data set: labels, split, quantisation."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tifed.datasets import suspicious
from tifed.datasets.quantisation import as_int8, finite
from tifed.datasets.quantised import quantised
from tifed.datasets.samples import Dataset, Samples
from tifed.datasets.saved_map import columns_as_saved, saved_map
from tifed.datasets.split import stratified, with_every_class
from tifed.datasets.table import Table
from tifed.errors import UsageError


def assemble(
    path: Path,
    table: Table,
    test: Table | None,
    *,
    test_fraction: int,
    quantise: str | Path,
    classes: int | None,
) -> Dataset:
    """Make a data set of a user's samples.

    Args:
        path: the file they are from; its name becomes the data set's.
        table: the training samples, or all samples if ``test`` is None.
        test: the test samples, if the file has a split of its own.
        test_fraction: else, how many of 100 samples go to the test split, 1..90; the same ones
            each time, an equal share of each class and group.
        quantise: "auto", "per-feature", "shared", "none", or a saved quantisation's path.
        classes: number of classes; None if the labels show it.

    Raises:
        UsageError: naming the field, what is wrong with it and what would be right.
    """
    suspicious.refuse_nameless(table.feature_names, str(path))
    if saved := saved_map(quantise):
        table = columns_as_saved(table, saved, str(path))
        test = None if test is None else columns_as_saved(test, saved, str(path))
    whole, groups = [table] if test is None else [table, test], None
    group_names: tuple[str, ...] = ()
    for part, name in zip(whole, ("features", "test_features"), strict=False):
        _check_shape(part, path)
        # Before the split, so that a message gives the row of the file.
        (as_int8 if quantise == "none" else finite)(part.features, f"{path}, {name}")
    labels, class_names = _encode_labels([part.labels for part in whole], classes, path)
    grouped = [part.groups for part in whole if part.groups is not None]
    if grouped and len(grouped) != len(whole):
        raise UsageError(f"{path}: groups and test_groups go together; give both or neither")
    if grouped:
        groups, group_names = _names(grouped)
    if test is None:
        if type(test_fraction) is not int or not 1 <= test_fraction <= 90:
            raise UsageError(
                f"test_fraction: {test_fraction!r} is not a whole number of percent in 1..90"
            )
        count = max(1, len(labels[0]) * test_fraction // 100)
        kept, taken = with_every_class(
            labels[0], *stratified(labels[0], None if groups is None else groups[0], count)
        )
        features = [table.features[kept], table.features[taken]]
        labels = [labels[0][kept], labels[0][taken]]
        groups = None if groups is None else [groups[0][kept], groups[0][taken]]
    else:
        features = [table.features, test.features]
    names = table.feature_names or tuple(map(str, range(table.features.shape[1])))
    numbers = quantised(
        features, saved or str(quantise), names, one_unit=table.one_unit,
        in_order=bool(saved and saved.feature_names and table.feature_names), where=str(path),
    )  # fmt: skip
    train, judged = (
        Samples(numbers.samples[i], labels[i], None if groups is None else groups[i])
        for i in (0, 1)
    )
    warnings = [
        *suspicious.about_columns(table.features, names),
        *suspicious.about_constants(features[0], table.feature_names),
        *suspicious.about_classes(labels[0], labels[1], class_names),
        *suspicious.about_equal_samples(*features),
        *numbers.warnings,
    ]
    return Dataset(
        name=path.stem,
        train=train,
        test=judged,
        class_names=class_names,
        group_names=group_names,
        feature_names=table.feature_names,
        image_shape=table.image_shape,
        quantisation=replace(
            numbers.quantisation, feature_names=table.feature_names, class_names=class_names
        ),
        report=numbers.report,
        warnings=tuple(warnings),
    )


def _check_shape(part: Table, path: Path) -> None:
    """One label (and group) per row of features; two rows at least."""
    shape = part.features.shape
    if len(shape) != 2 or min(shape) < 1:
        raise UsageError(
            f"{path}, features: must be of shape (samples, features), both 1 or more, not {shape}"
        )
    for name, column in (("labels", part.labels), ("groups", part.groups)):
        if column is not None and column.shape != shape[:1]:
            raise UsageError(
                f"{path}, {name}: shape {column.shape} does not fit {shape[0]} rows of features; "
                f"it must be ({shape[0]},)"
            )


def _encode_labels(
    columns: list[NDArray[Any]], classes: int | None, path: Path
) -> tuple[list[NDArray[np.int32]], tuple[str, ...]]:
    """Labels as 0..C-1 and the names of the classes."""
    if classes is not None and (type(classes) is not int or classes < 2):
        raise UsageError(f"classes: {classes!r} is not a whole number of 2 or more")
    if any(column.dtype.kind in "US" for column in columns):
        encoded, names = _names(columns)
        if classes is not None and classes != len(names):
            raise UsageError(
                f"{path}, labels: {len(names)} different names, but classes is {classes}; "
                "leave classes out"
            )
        return encoded, names
    encoded = []
    for column in columns:
        if column.dtype.kind not in "biuf":
            raise UsageError(
                f"{path}, labels: must be integers or strings, not {column.dtype}; "
                "number the classes from 0"
            )
        # Written so that NaN and infinity are refused too.
        top = (1 << 31) - 1 if classes is None else classes - 1
        good = (column >= 0) & (column <= top) & (column == np.floor(column))
        if not good.all():
            row = int(good.argmin())
            raise UsageError(
                f"{path}, labels: row {row}: {column[row]} is not an integer in "
                f"{'0..classes-1' if classes is None else f'0..{top}'}; number the classes from 0, "
                "or write them as names"
            )
        encoded.append(column.astype(np.int32))
    present = np.unique(np.concatenate(encoded))
    count = int(present[-1]) + 1 if classes is None else classes
    if classes is None and len(present) != count:
        absent = int(np.setdiff1d(np.arange(min(count, len(present) + 1)), present)[0])
        raise UsageError(
            f"{path}, labels: class {absent} of 0..{count - 1} has no sample; number the classes "
            f"from 0 without gaps, write them as names, or say classes={count} if this is meant"
        )
    return encoded, tuple(str(label) for label in range(count))


def _names(columns: list[NDArray[Any]]) -> tuple[list[NDArray[np.int32]], tuple[str, ...]]:
    """Each value's index among all different values: numbers in their order, names in theirs."""
    if any(column.dtype.kind in "US" for column in columns):
        columns = [
            np.char.decode(c, "utf-8") if c.dtype.kind == "S" else c.astype(np.str_)
            for c in columns
        ]
    values, inverse = np.unique(np.concatenate(columns), return_inverse=True)
    edges = np.cumsum([len(column) for column in columns])[:-1]
    return np.split(inverse.astype(np.int32), edges), tuple(str(v) for v in values.tolist())
