"""A user's own table of numbers becomes a data set: labels, split, quantisation."""

import difflib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tifed.data import suspicious
from tifed.data.labels import encode_groups, encode_labels
from tifed.data.missing import Rule, filled, with_rule
from tifed.data.quantisation.quantisation import as_int8, finite
from tifed.data.quantisation.quantisation_file import saved_map
from tifed.data.quantisation.quantised import quantised, report_on
from tifed.data.samples import Dataset, Samples
from tifed.data.split import stratified, with_every_class
from tifed.data.table import Table, in_order_of
from tifed.errors import UsageError


def assemble(
    path: Path,
    table: Table,
    test: Table | None,
    *,
    test_fraction: int,
    quantise: str | Path,
    classes: int | None,
    class_names: Sequence[str] | None = None,
    held_out_groups: Sequence[str] | str | None = None,
    missing: Rule = "refuse",
    readings: Table | None = None,
) -> Dataset:
    """Make a data set of a user's samples.

    Args:
        path: the file they are from; its name becomes the data set's.
        table: the training samples, or all samples if ``test`` is None.
        test: the test samples, if they are apart already.
        test_fraction: else, how many of 100 samples go to the test split, 1..90; the same ones
            each time, an equal share of each class and group.
        quantise: "auto", "per-feature", "shared", "none", or a saved quantisation's path.
        classes: number of classes; None if the labels show it.
        class_names: the classes in the order of their numbers; None if the labels show it.
        held_out_groups: instead of ``test_fraction``: all samples of these groups, and nobody
            else's, are the test split.
        missing: what becomes of NaN, one that `check_rule` has seen.
        readings: the rows that the samples were cut from, if they are windows: what is wrong with
            a column of the file shows there.

    Raises:
        UsageError: naming the field, what is wrong with it and what would be right.
    """
    rows = readings or table
    if table.signal is not None:
        if quantise != "auto":
            raise UsageError(
                f"data.quantise: the features of the front end {table.signal.name!r} are int8 "
                "already; leave data.quantise out"
            )
        quantise = "none"
    suspicious.refuse_nameless(rows.feature_names, str(path))
    saved = saved_map(quantise)
    if saved is not None:
        table = in_order_of(table, saved.feature_names, path, "the saved map in data.quantise")
        class_names = class_names or saved.class_names or None
    parts = []
    for part, prefix in ((table, ""), (test, "test_")):
        if part is not None:
            part.check(path, prefix)
            # Before the split, so that a message gives the row of the file.
            parts.append(with_rule(part, missing, path))
            _check_numbers(parts[-1].features, quantise, f"{path}, {prefix}features")
    labels, class_names = encode_labels([part.labels for part in parts], classes, class_names, path)
    if len(class_names) < 2:
        raise UsageError(
            f"{path}, labels: all of them are {class_names[0]!r}, but two classes or more are "
            "needed; is this the column of labels (data.label_column)?"
        )
    groups: list[NDArray[np.int32]] | None = None
    group_names: tuple[str, ...] = ()
    grouped = [part.groups for part in parts if part.groups is not None]
    if grouped and len(grouped) != len(parts):
        raise UsageError(f"{path}: groups and test_groups go together; give both or neither")
    if grouped:
        groups, group_names = encode_groups(grouped)
    features = [part.features for part in parts]
    recorded = parts[0].recorded
    if len(parts) == 1:
        of_groups = None if groups is None else groups[0]
        if held_out_groups is None:
            kept, held_out = _by_share(labels[0], of_groups, test_fraction)
        else:
            kept, held_out = _by_group(of_groups, group_names, held_out_groups, path)
        features = [features[0][kept], features[0][held_out]]
        labels = [labels[0][kept], labels[0][held_out]]
        groups = None if groups is None else [groups[0][kept], groups[0][held_out]]
        recorded = None if recorded is None else recorded.take(kept)
    elif held_out_groups is not None:
        raise UsageError(
            f"data.held_out_groups: {path} has a test split of its own; leave one of them out"
        )
    else:
        features[1] = in_order_of(
            parts[1], table.feature_names, path, "the training table"
        ).features
    if features[0].shape[1] == features[1].shape[1]:
        features = list(filled(features[0], features[1], missing, path))
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
        *suspicious.about_columns(rows.features, rows.feature_names),
        *suspicious.about_constants(features[0], table.feature_names),
        *suspicious.about_classes(labels[0], labels[1], class_names),
        *suspicious.about_equal_samples(*features),
        *numbers.warnings,
    ]
    made = Dataset(
        name=path.stem,
        train=replace(train, recorded=recorded),
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
    if table.signal is None:
        return made
    report = report_on("front-end", train.features)
    return replace(made, signal=table.signal, quantisation=None, report=report)


def _check_numbers(features: NDArray[Any], quantise: str | Path, where: str) -> None:
    """Numbers, none infinite; with "none", int8. NaN is for `tifed.data.missing`."""
    kind = features.dtype.kind
    if kind not in "biuf" or (kind == "f" and np.isinf(features).any()):
        finite(features, where)
    elif quantise == "none" and not (kind == "f" and np.isnan(features).any()):
        as_int8(features, where)


def _by_share(
    labels: NDArray[np.int32], groups: NDArray[np.int32] | None, percent: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows of both splits: an equal share of each class and group."""
    check_test_fraction(percent)
    if len(labels) < 2:
        raise UsageError("features: there is one sample alone; two at least are needed")
    return with_every_class(
        labels, *stratified(labels, groups, max(1, len(labels) * percent // 100))
    )


def check_test_fraction(percent: int) -> None:
    """Make sure that it is a percentage.

    Raises:
        UsageError: if not.
    """
    if type(percent) is not int or not 1 <= percent <= 90:
        raise UsageError(
            f"data.test_fraction: {percent!r} is not a whole number of percent in 1..90"
        )


def _by_group(
    groups: NDArray[np.int32] | None,
    names: tuple[str, ...],
    held_out: Sequence[str] | str,
    path: Path,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows of both splits: some groups, and all others."""
    if groups is None:
        raise UsageError(
            f"data.held_out_groups: {path} has no groups; name the column that says whose sample "
            "it is (data.group_column)"
        )
    chosen = list(held_out) if isinstance(held_out, list | tuple) else [held_out]
    for name in map(str, chosen):
        if name not in names:
            near = difflib.get_close_matches(name, names, 1)
            raise UsageError(
                f"data.held_out_groups: {path} has no group {name!r}, it has "
                f"{', '.join(names[:8])}{', ...' if len(names) > 8 else ''}"
                + (f"; did you mean {near[0]!r}?" if near else "")
            )
    if not 0 < len(set(map(str, chosen))) < len(names):
        raise UsageError(
            f"data.held_out_groups: {len(chosen)} of {len(names)} groups; some must be held out "
            "and some must be left to train on"
        )
    out = np.isin(groups, [names.index(str(name)) for name in chosen])
    return np.flatnonzero(~out), np.flatnonzero(out)
