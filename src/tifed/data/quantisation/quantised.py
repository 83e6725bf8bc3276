"""What becomes of a table's numbers when they are made int8, and whether that can be right."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tifed.data.quantisation.calibration import ENOUGH, calibrate, choose, usually_the_same
from tifed.data.quantisation.quantisation import Quantisation
from tifed.errors import UsageError

QUANTISE = ("auto", "per-feature", "shared", "none")

_MOST_SATURATED = 0.01  # of the values of a split
_NAMED = 3  # features that a warning names before it counts the others
_LOOKED_AT = 5000  # samples that show how a feature is distributed
_CROWDED = 3  # levels that hold the middle of a feature's values, or fewer
_DISTINCT = 6  # different values in its middle that a feature has to have to be called crowded


@dataclass(frozen=True)
class QuantisationReport:
    """What a map did to the numbers of a data set.

    Attributes:
        map: "identity", "minus-128", "shared", "per-feature", "saved", "front-end" or "extractor"
            where one of these made the features.
        levels_least: how many of 256 levels the feature with the fewest uses in training;
            features that never change do not count. 0 if none changes.
        levels_median: of the features' levels.
        constant_features: how many features never change in training.
        saturated_training: share 0..1 of training values outside the map's range; None where the
            numbers that the map was given are not known any more.
        saturated_test: of the held-out values.
    """

    map: str
    levels_least: int
    levels_median: int
    constant_features: int
    saturated_training: float | None
    saturated_test: float | None

    def __str__(self) -> str:
        """A sentence for people."""
        if self.levels_least == 0:
            levels = "no feature changes"
        elif self.levels_least == self.levels_median:
            levels = f"features use {self.levels_median} of 256 levels"
        else:
            levels = (
                f"features use {self.levels_median} of 256 levels (median), "
                f"{self.levels_least} at least"
            )
        text = f"{self.map} map, {levels}"
        if self.constant_features and self.levels_least:
            text += f", {self.constant_features} never change"
        if self.saturated_training == self.saturated_test == 0:
            text += ", no value saturates"
        elif self.saturated_training is not None and self.saturated_test is not None:
            text += (
                f", {self.saturated_training:.2%} of the values saturate in training and "
                f"{self.saturated_test:.2%} in the held-out data"
            )
        return text


@dataclass(frozen=True, eq=False)
class QuantisedTable:
    """A table's numbers as int8.

    Attributes:
        samples: int8 (N, D) of the training split, int8 (M, D) of the held-out split.
        quantisation: the map.
        report: what it did.
        warnings: a sentence for every reason to doubt that the map is right.
    """

    samples: tuple[NDArray[np.int8], NDArray[np.int8]]
    quantisation: Quantisation
    report: QuantisationReport
    warnings: tuple[str, ...]


def quantised(
    features: Sequence[NDArray[Any]],
    quantise: str | Quantisation,
    names: Sequence[str],
    *,
    one_unit: bool = False,
    in_order: bool = True,
    where: str = "",
) -> QuantisedTable:
    """Make both splits int8; only the training split is calibrated on.

    Args:
        features: numbers (N, D) of the training split and (M, D) of the held-out split.
        quantise: "auto", "per-feature", "shared" or "none", or a map that was saved before.
        names: D names of the features, for warnings.
        one_unit: whether all features are known to have one unit.
        in_order: whether the columns are known to be those that a saved map was made for.
        where: the file, for errors.

    Raises:
        UsageError: naming what is wrong with the numbers, the option or the saved map.
    """
    places = (f"{where}, training features", f"{where}, test features")
    train, test = features
    if test.shape[1] != train.shape[1]:
        raise UsageError(
            f"{places[1]}: {test.shape[1]} features, but the training samples have {train.shape[1]}"
        )
    saved = isinstance(quantise, Quantisation)
    if isinstance(quantise, Quantisation):
        quantisation = quantise
    elif quantise == "none":
        quantisation = Quantisation("identity")
    elif quantise == "auto":
        quantisation = choose(train, places[0], one_unit=one_unit)
    elif quantise in ("per-feature", "shared"):
        quantisation = calibrate(train, shared=quantise == "shared", where=places[0])
    else:
        raise UsageError(
            f"data.quantise: {quantise!r} is not one of {', '.join(QUANTISE)} or the path of a "
            "saved quantisation ending in .json"
        )
    (samples, outside), (held_out, outside_test) = (
        quantisation.count(part, place) for part, place in zip(features, places, strict=True)
    )
    lost = np.flatnonzero(outside > len(train) / 2)
    if len(lost) and saved and not in_order:
        raise UsageError(
            f"{where}: {_listed(lost, names)} of {len(names)} features: more than half of the "
            "training values lie outside the range that the saved map in data.quantise was made "
            "for; put the columns into the order, and the unit, of those data"
        )
    name = (
        quantisation.kind
        if quantisation.kind != "affine"
        else ("shared" if len(quantisation.shift) == 1 else "per-feature")
    )
    shares = outside / len(train), outside_test / len(test)
    return QuantisedTable(
        (samples, held_out),
        quantisation,
        report_on("saved" if saved else name, samples, (shares[0].mean(), shares[1].mean())),
        (
            *_about_saturation(len(train), len(test), *shares, names, saved=saved),
            *_about_levels(train, samples, names),
        ),
    )


def report_on(
    name: str,
    train: NDArray[np.int8],
    saturated: tuple[float, float] | None = None,
) -> QuantisationReport:
    """Count levels.

    Args:
        name: of the map; see `QuantisationReport`.
        train: int8 (N, D).
        saturated: share of training values and of held-out values that saturated.
    """
    # Column after column: one pass over memory that lies together, and 256 counters.
    columns = np.ascontiguousarray(train.T).view(np.uint8)
    levels = np.array([np.count_nonzero(np.bincount(column)) for column in columns])
    changing = levels[levels > 1]
    return QuantisationReport(
        map=name,
        levels_least=int(changing.min()) if len(changing) else 0,
        levels_median=int(np.median(changing)) if len(changing) else 0,
        constant_features=len(levels) - len(changing),
        saturated_training=None if saturated is None else float(saturated[0]),
        saturated_test=None if saturated is None else float(saturated[1]),
    )


def _about_levels(
    train: NDArray[Any], samples: NDArray[np.int8], names: Sequence[str]
) -> list[str]:
    """Sentences about features that are hardly to be seen after the map."""
    warnings = []
    every = max(1, len(train) // _LOOKED_AT)
    some, levels = train[::every], samples[::every]
    span = np.ptp(levels.astype(np.int16), axis=0)
    measured = (some.min(axis=0) != some.max(axis=0)) & ~usually_the_same(some)
    narrow = np.flatnonzero(measured & (span < ENOUGH))
    if len(narrow):
        own = calibrate(some[:, narrow]).apply(some[:, narrow]).astype(np.int16)
        helps = np.ptp(own, axis=0) >= ENOUGH
        for features, advice in (
            (narrow[helps], 'choose data.quantise = "per-feature"'),
            (
                narrow[~helps],
                "their values differ too little for their size, or are very small; no choice of "
                "data.quantise is right for them: subtract what they have in common, or multiply "
                "them, before they are saved",
            ),
        ):
            if len(features):
                warnings.append(
                    f"{_listed(features, names)} of {len(names)} features: spread over fewer than "
                    f"{ENOUGH} of int8's 256 levels, so that the network hardly sees them; {advice}"
                )
    crowded = _crowded(some, levels)
    crowded = np.setdiff1d(crowded[measured[crowded]], narrow)
    if len(crowded):
        warnings.append(
            f"{_listed(crowded, names)} of {len(names)} features: most of the different values "
            f"fall on {_CROWDED} levels or fewer, because a few values are very far from the "
            "others; no choice of data.quantise is right for them: take their logarithm, or limit "
            "them, before they are saved; a number that stands for a missing value, such as -999, "
            "must be left empty (data.missing)"
        )
    return warnings


def _about_saturation(
    samples: int,
    judged: int,
    training: NDArray[Any],
    held_out: NDArray[Any],
    names: Sequence[str],
    *,
    saved: bool,
) -> list[str]:
    """Sentences about values that were cut off.

    Args:
        samples: of the training split.
        judged: samples of the held-out split.
        training: share (D,) of each feature's training values.
        held_out: share (D,) of each feature's held-out values.
        names: D names of the features.
        saved: whether the map was made from other data.
    """
    warnings = []
    # Two of as many values as the map was made from lie beyond them by chance, sometimes twice; and
    # of a few held-out values a larger share than of many: two standard deviations.
    chance = float(training.mean()) + 4 / (samples + 1)
    chance += 2 * math.sqrt(chance * max(0.0, 1 - chance) / (judged * len(names)))
    for split, shares, most in (
        ("training", training, _MOST_SATURATED),
        ("held-out", held_out, _MOST_SATURATED + chance),
    ):
        if shares.mean() > most:
            warnings.append(
                f"{shares.mean():.1%} of the {split} values lie outside the map's range and were "
                f"cut off, most of them in feature {names[int(shares.argmax())]!r}: the map was "
                "made from other numbers"
            )
    lost = np.flatnonzero(training > 0.5)
    if len(lost):
        advice = (
            "are they in the unit that it was made for?"
            if saved
            else 'if they matter, choose data.quantise = "per-feature"'
        )
        warnings.append(
            f"{_listed(lost, names)} of {len(names)} features: more than half of the training "
            f"values lie outside the map's range; {advice}"
        )
    return warnings


def _crowded(numbers: NDArray[Any], levels: NDArray[np.int8]) -> NDArray[np.int64]:
    """Features of whose different values the middle four fifths fall on hardly any levels.

    Each value counts once: a number that stands for many missing ones is one value far away.
    """
    found = []
    for feature, column in enumerate(np.ascontiguousarray(levels.T)):
        places = (len(column) // 4, len(column) // 2, len(column) * 3 // 4)
        if np.diff(np.partition(column, places)[[*places]].astype(int)).min() >= _CROWDED:
            continue  # as nearly all are, and the look below is slow
        values, first = np.unique(numbers[:, feature], return_index=True)
        middle = slice(len(values) // 10, len(values) - len(values) // 10)
        inner, there = values[middle].astype(np.float64), column[first][middle]
        few = int(there[-1]) - int(there[0]) < _CROWDED
        # Where values are together because the map cuts them off, none need be far from the others.
        far = float(values[-1]) - float(values[0]) > ENOUGH * (inner[-1] - inner[0])
        if len(inner) >= _DISTINCT and few and far:
            found.append(feature)
    return np.array(found, np.int64)


def _listed(features: NDArray[np.int64], names: Sequence[str]) -> str:
    """The first few features by name, and how many others there are."""
    shown = ", ".join(repr(names[feature]) for feature in features[:_NAMED])
    more = len(features) - _NAMED
    return f"{shown} and {more} more" if more > 0 else shown
