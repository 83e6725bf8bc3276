"""Numbers of a table become a sensor's readings: int16, as the sensor itself would give them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tifed.data.quantisation.quantisation import finite
from tifed.data.table import Table
from tifed.errors import UsageError

Scale = float | Sequence[float] | Mapping[str, float]
LEAST, MOST = -32768, 32767


@dataclass(frozen=True)
class Mirror:
    """Which readings are turned round, because the device is worn on the other side of the body.

    Attributes:
        axes: names of columns whose sign changes.
        value: of the column of sides, where it does.
    """

    axes: tuple[str, ...]
    value: str


def mirror_of(
    side: str | None, axes: Sequence[str] | str | None, side_column: object
) -> Mirror | None:
    """What ``data.mirror_side`` and ``data.mirror_axes`` say; None if neither is given.

    Raises:
        UsageError: if one of them or ``data.side_column`` lacks.
    """
    given = {"side_column": side_column, "mirror_side": side, "mirror_axes": axes}
    lacking = [name for name, value in given.items() if value is None]
    if len(lacking) == len(given):
        return None
    if lacking or side is None or axes is None:
        raise UsageError(
            f"data.{lacking[0]}: is missing; side_column (which column has the side of the body), "
            "mirror_side (which side is turned into the other) and mirror_axes (whose sign changes "
            "for that) go together"
        )
    return Mirror((axes,) if isinstance(axes, str) else tuple(axes), str(side))


def axis_names(table: Table) -> tuple[str, ...]:
    """Of the columns of readings, or c0, c1 ... where the file does not name them."""
    return table.feature_names or tuple(f"c{i}" for i in range(table.features.shape[1]))


def scales(table: Table, scale: Scale | None, path: Path) -> tuple[float, ...]:
    """Readings per unit of each column.

    Args:
        table: of numbers.
        scale: one factor for all columns, one for each in their order, or by the columns' names;
            None if the numbers are readings already.
        path: the file, for messages.

    Raises:
        UsageError: naming data.scale, if a column has none, or none that is a number above 0.
    """
    names = axis_names(table)
    if scale is None:
        values = np.asarray(table.features, np.float64)
        if not np.array_equal(values, np.rint(values)):
            raise UsageError(
                f"data.scale: {path} has numbers that are not whole, but a sensor's readings are; "
                "say how many readings are one unit of each column, such as data.scale = 4096"
            )
        scale = 1.0
    if isinstance(scale, Mapping):
        if unknown := [name for name in scale if name not in names]:
            raise UsageError(
                f"data.scale: {path} has no column of readings {unknown[0]!r}; it has "
                f"{', '.join(names)}"
            )
        if lacking := [name for name in names if name not in scale]:
            raise UsageError(f"data.scale: has no factor for column {lacking[0]!r}")
        given: Sequence[Any] = [scale[name] for name in names]
    elif isinstance(scale, list | tuple):
        given = scale
    else:
        given = [scale] * len(names)
    if len(given) != len(names):
        raise UsageError(f"data.scale: {len(given)} factors for {len(names)} columns; one for each")
    for factor in given:
        if type(factor) not in (int, float) or not 0 < factor < 1e12:
            raise UsageError(f"data.scale: {factor!r} is not a number above 0")
    return tuple(map(float, given))


def as_readings(
    table: Table, factors: Sequence[float], mirror: Mirror | None, path: Path
) -> tuple[Table, tuple[str, ...]]:
    """The table's numbers times ``factors``, rounded half to even, as int16.

    What is beyond int16 becomes its largest or smallest value, as in the sensor.

    Args:
        table: of finite numbers; its ``sides`` are needed for ``mirror``.
        factors: readings per unit of each column.
        mirror: whose sign changes on which side; None if no one's does.
        path: the file, for messages.

    Returns:
        The table of readings, and a warning if some were beyond int16.

    Raises:
        UsageError: if a number is missing or infinite, or the table has no sides.
    """
    if np.isnan(np.asarray(table.features, np.float64)).any():
        raise UsageError(
            f"{path}: readings are missing, and a device's windows have none missing; fill them in "
            "the file, from the readings before and behind them"
        )
    numbers = np.rint(finite(table.features, str(path)) * np.array(factors))
    beyond = ((numbers < LEAST) | (numbers > MOST)).sum(axis=0)
    readings = np.clip(numbers, LEAST, MOST).astype(np.int16)
    names = axis_names(table)
    if mirror is not None and table.sides is not None:
        there = table.sides.astype(str) == mirror.value
        for name in mirror.axes:
            axis = readings[:, names.index(name)]
            # In 32 bits, for -32768 has no opposite in 16; the device's code gives 32767 too.
            axis[there] = np.minimum(-axis[there].astype(np.int32), MOST)
    warnings = tuple(
        f"{path}: {count} of {len(numbers)} readings of column {name} are beyond 16 bits and were "
        "set to their limit; if these are more than a sensor would cut off, choose a smaller "
        "data.scale"
        for name, count in zip(names, beyond.tolist(), strict=True)
        if count
    )
    return replace(table, features=readings), warnings
