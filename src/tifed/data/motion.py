"""A table of a motion sensor's readings becomes a data set of the motion front end's features."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tifed.data import suspicious
from tifed.data.own_data import assemble, check_test_fraction
from tifed.data.quantisation.quantised import report_on
from tifed.data.readings import Mirror, Scale, as_readings, axis_names, scales
from tifed.data.recorded import Recorded
from tifed.data.samples import Dataset
from tifed.data.table import Table, in_order_of
from tifed.data.windows import windowed
from tifed.errors import UsageError
from tifed.native.choice import motion_features
from tifed.rule.signal.motion import LARGEST_WINDOW, LEAST_WINDOW, MOST_AXES, MotionFrontEnd


def motion_dataset(
    path: Path,
    table: Table,
    test: Table | None,
    *,
    window: int,
    hop: int,
    scale: Scale | None = None,
    mirror: Mirror | None = None,
    test_fraction: int = 20,
    held_out_groups: Sequence[str] | str | None = None,
    **for_labels: Any,
) -> Dataset:
    """Readings to int16, to windows, to features.

    Args:
        path: the file, for messages and the data set's name.
        table: readings (N, axes) in the order of time.
        test: those of the test split, if it is apart already.
        window: times of a window, 16..256.
        hop: times between the beginnings of two windows.
        scale: readings per unit; see `scales`.
        mirror: whose sign changes on which side of the body.
        test_fraction: percent of each label's and group's windows for the test split.
        held_out_groups: else, the groups that are the test split.
        **for_labels: what else `assemble` takes.

    Raises:
        UsageError: naming the field that is wrong.
    """
    axes = table.features.shape[1]
    if type(window) is not int or not LEAST_WINDOW <= window <= LARGEST_WINDOW:
        raise UsageError(
            f"data.window: {window!r} is not in {LEAST_WINDOW}..{LARGEST_WINDOW}, the windows that "
            "the front end 'motion' takes"
        )
    if axes > MOST_AXES:
        raise UsageError(
            f"front_end: 'motion' takes {MOST_AXES} axes at most, but {path} has {axes} columns of "
            "readings; leave some out with data.ignore_columns"
        )
    if test is not None:
        test = replace(
            test, feature_names=table.feature_names,
            features=in_order_of(test, table.feature_names, path, "the training table").features,
        )  # fmt: skip
    if test is None and held_out_groups is None:
        check_test_fraction(test_fraction)
    names = axis_names(table)
    factors = scales(table, scale, path)
    mirrored = () if mirror is None else axes_of(names, mirror.axes, path)
    if mirror is not None and table.sides is not None:
        require_side(mirror.value, table.sides.astype(str).tolist(), path)
    side = "" if mirror is None else mirror.value
    front_end = MotionFrontEnd(axes, window, mirrored, names, factors, hop, side)
    readings, warnings = as_readings(table, factors, None, path)
    if test is not None:
        tested, more = as_readings(test, factors, None, path)
        warnings += more
        parts: tuple[Table, Table | None] = (
            windowed(readings, window, hop, None, path)[0],
            windowed(tested, window, hop, None, path)[0],
        )
    else:
        percent = test_fraction if held_out_groups is None else None
        parts = windowed(readings, window, hop, percent, path)
    made_of = partial(_features, front_end=front_end, mirror=mirror)
    train = replace(made_of(parts[0]), recorded=_recorded(readings, parts[0], front_end, mirror))
    held_out = None if parts[1] is None else made_of(parts[1])
    made = assemble(
        path, train, held_out,
        test_fraction=test_fraction, quantise="none", held_out_groups=held_out_groups,
        readings=table, **for_labels,
    )  # fmt: skip
    return replace(
        made,
        signal=front_end,
        quantisation=None,
        report=report_on("front-end", made.train.features),
        warnings=(*suspicious.about_columns(table.features, names), *warnings),
    )


def _features(windows: Table, front_end: MotionFrontEnd, mirror: Mirror | None) -> Table:
    """The windows' features instead of their readings."""
    shaped = np.array(windows.features, np.int16)
    shaped = shaped.reshape(-1, front_end.window, front_end.axes)
    turned = _turned(windows, mirror)
    shaped[turned] = front_end.mirror(shaped[turned])
    return replace(
        windows,
        features=motion_features(front_end, shaped),
        feature_names=front_end.feature_names,
        one_unit=True,
    )


def _turned(windows: Table, mirror: Mirror | None) -> NDArray[np.bool_]:
    """Which of the windows are of a device that was worn on the side that is turned round."""
    if mirror is None or windows.sides is None:
        return np.zeros(len(windows.labels), np.bool_)
    turned: NDArray[np.bool_] = windows.sides.astype(str) == mirror.value
    return turned


def _recorded(
    readings: Table, windows: Table, front_end: MotionFrontEnd, mirror: Mirror | None
) -> Recorded | None:
    """What the windows that were cut from ``readings`` were made of."""
    if windows.first is None:
        return None
    count = np.full(len(windows.first), front_end.window, np.int64)
    return Recorded(readings.features, windows.first, count, _turned(windows, mirror))


def axes_of(names: Sequence[str], chosen: Sequence[str], path: Path) -> tuple[int, ...]:
    """The places of ``chosen`` in ``names``.

    Raises:
        UsageError: if one is none of them.
    """
    for name in chosen:
        if name not in names:
            raise UsageError(
                f"data.mirror_axes: {path} has no column of readings {name!r}; it has "
                f"{', '.join(names)}"
            )
    return tuple(names.index(name) for name in chosen)


def require_side(side: str, sides: Sequence[str], path: Path) -> None:
    """Make sure that ``side`` occurs.

    Raises:
        UsageError: if not.
    """
    if side not in sides:
        raise UsageError(
            f"data.mirror_side: {path} has no {side!r} in its column of sides; it has "
            f"{', '.join(sorted(set(sides))[:8])}"
        )
