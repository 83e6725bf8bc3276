"""Which map turns a table's numbers into int8, and its constants.

Constants come from the training samples alone: the values that leave one half percent of them below
and above become -128 and 127, so one outlier does not squeeze the rest. They are order statistics
of integers, and every step after the fixed point is exact: the same numbers give the same constants
on any machine.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tifed.data.quantisation.quantisation import (
    LARGEST_EXPONENT,
    Quantisation,
    finite,
    fixed_point,
)
from tifed.errors import UsageError

_FIXED_BITS = 23  # training values fill at most so many bits: resolution 2**-23 of the largest
_TAIL = 200  # one in so many training values lies below the range, and one in so many above

_LOOKED_AT = 2000  # samples that show whether a feature is a measurement
_COLUMNS = 64  # that are sorted at a time

Range = tuple[NDArray[Any], NDArray[Any]]
"""The least and the greatest value of each column, (D,) each."""

ENOUGH = 32
"""Steps of int8 that a feature has to span, or the network hardly sees it."""

_READY = 64  # steps that half of the features of an int8 array span, if it was meant as int8
_NEARLY_ALL = 224  # of 255 steps: integers that span so many are best left as they are
_RARE = 20  # a feature that differs from one value in less than one sample in so many, on each side


def calibrate(
    features: NDArray[Any], *, shared: bool = False, where: str = "features"
) -> Quantisation:
    """Find the affine map that spreads training features over -128..127.

    Args:
        features: numbers (N, D) of the training split, below 2**80 in magnitude.
        shared: one map for all features. Right when all have one unit, as pixels or the bands of
            a spectrum do, for then their ratios carry meaning. A map per feature is right when
            columns have units of their own, as in most tables; it is the default.
        where: what to call the features in an error message.

    Raises:
        UsageError: for NaN, infinity or too large numbers, or if there are no samples.

    >>> calibrate(np.array([[0, 10.0], [1, 20.0]])).apply(np.array([[0, 15.0], [9, 20.0]]))
    array([[-128,    0],
           [ 127,  127]], dtype=int8)
    """
    columns = _checked(features, where)
    if shared:
        columns = columns.reshape(-1, 1)
    return _affine_map(columns, _typical_range(columns))


def choose(
    features: NDArray[Any], where: str = "features", *, one_unit: bool = False
) -> Quantisation:
    """The map that suits a table, from how much of int8 its features would use.

    One map for all where all features have a common scale, else one for each. They have one if
    under a shared map every feature spans 32 of the 255 steps or more. Of features that nearly
    always have the same value, as the pixels at a picture's edge or the flags of rare categories,
    half have to span 24. Integers that fill int8, or a byte, as they are stay so. Neither the
    numbers' type nor their unit matters: a table and the same table times a constant get maps that
    give the same levels, or nearly so. The one exception: an array of int8, as an extractor writes
    it, stays as it is if half of its features span 64 steps or more.

    Args:
        features: numbers (N, D) of the training split.
        where: what to call them in an error message.
        one_unit: whether it is known that all have one unit.

    Raises:
        UsageError: as `calibrate` does.

    >>> choose(np.array([[0, 255], [255, 0]])).kind  # a byte each
    'minus-128'
    >>> len(choose(np.array([[0, 70], [1, 18]])).shift)  # a flag beside an age
    2
    """
    numbers = _checked(features, where)
    pool = numbers.reshape(-1, 1)
    (whole, by_feature), measured = map(_typical_range, (pool, numbers)), ~usually_the_same(numbers)
    low, high = float(whole[0][0]), float(whole[1][0])
    spans = _span(*by_feature)
    if features.dtype == np.int8 and measured.any() and np.median(spans[measured]) >= _READY:
        return Quantisation("identity")
    needed = ENOUGH * (high - low) / 255
    rare = _span(numbers.min(axis=0), numbers.max(axis=0))[~measured & (spans > 0)]
    if not one_unit and (
        (spans[measured] < needed).any() or (rare.size and np.median(rare) < needed * 0.75)
    ):
        return _affine_map(numbers, by_feature)
    if high - low >= _NEARLY_ALL and _are_integers(numbers):
        if low >= -128 and high <= 127:
            return Quantisation("identity")
        if low >= 0 and high <= 255:
            return Quantisation("minus-128")
    return _affine_map(pool, whole)


def _span(low: NDArray[Any], high: NDArray[Any]) -> NDArray[np.float64]:
    """How far apart the least and the greatest value of each column lie."""
    span: NDArray[np.float64] = high.astype(np.float64) - low.astype(np.float64)
    return span


def usually_the_same(columns: NDArray[Any]) -> NDArray[np.bool_]:
    """Which columns (N, D) have one value in nine of ten samples, and so are no measurement."""
    some = columns[:: max(1, len(columns) // _LOOKED_AT)]
    beyond = max(1, len(some) // _RARE) if len(some) > 1 else 0
    low, high = _ordered(some, beyond)
    same: NDArray[np.bool_] = low == high
    return same


def _checked(features: NDArray[Any], where: str) -> NDArray[Any]:
    """Features (N, D) as finite numbers that fixed point can hold, one at least."""
    numbers = finite(features, where)
    if numbers.size == 0:
        raise UsageError(f"{where}: no samples to calibrate the quantisation on")
    if max(float(numbers.max()), -float(numbers.min())) >= 2.0**80:
        row, column = divmod(int(np.abs(numbers).argmax()), numbers.shape[1])
        raise UsageError(
            f"{where}: row {row}, column {column}: {numbers[row, column]} is too large; "
            "scale the feature so that it stays below 2**80"
        )
    return numbers


def _affine_map(columns: NDArray[Any], typical: Range) -> Quantisation:
    """The map that takes each column's typical range to -128..127."""
    low, high = typical
    largest = np.maximum(np.abs(low), np.abs(high)).astype(np.float64)
    bits = np.array(
        [_fraction_bits(column, size) for column, size in zip(columns.T, largest, strict=True)],
        dtype=np.int64,
    )
    maps = [
        _affine(int(first), int(last))
        for first, last in zip(*fixed_point(np.stack([low, high]), bits), strict=True)
    ]
    multiplier, bias, shift = zip(*maps, strict=True)
    return Quantisation("affine", tuple(bits.tolist()), multiplier, bias, shift)


def _typical_range(columns: NDArray[Any]) -> Range:
    """Least and greatest value of each column (N, D) without one half percent at either end.

    A column that is mostly one value, such as a rare event, still has a range: its whole.
    """
    low, high = _ordered(columns, len(columns) // _TAIL)
    narrow = low == high
    return (
        np.where(narrow, columns.min(axis=0), low),
        np.where(narrow, columns.max(axis=0), high),
    )


def _ordered(columns: NDArray[Any], beyond: int) -> Range:
    """Of each column (N, D) the value that ``beyond`` others are below, and the one above."""
    if columns.shape[1] == 1:
        values = columns[:, 0]
        low, high = (_at_an_end(values, beyond, high=end) for end in (False, True))
        return np.array([low], columns.dtype), np.array([high], columns.dtype)
    places = (beyond, len(columns) - 1 - beyond)
    found = np.empty((2, columns.shape[1]), columns.dtype)
    # A few columns at a time, so that a large table is not copied whole.
    for first in range(0, columns.shape[1], _COLUMNS):
        part = np.ascontiguousarray(columns[:, first : first + _COLUMNS].T)
        part.partition(places, axis=1)
        found[:, first : first + _COLUMNS] = part[:, places].T
    return found[0], found[1]


def _at_an_end(values: NDArray[Any], beyond: int, *, high: bool) -> Any:
    """The value (N,) that ``beyond`` others are below, or with ``high`` above.

    A sample tells a bound that most of the values are within: they need not be copied, nor sorted.
    """
    few = np.sort(values[:: max(1, len(values) // _LOOKED_AT)])
    place = min(len(few) - 1, (4 * beyond * len(few)) // len(values) + 8)
    end = values[values >= few[-1 - place]] if high else values[values <= few[place]]
    if len(end) <= beyond:
        end = values.copy()
    at = len(end) - 1 - beyond if high else beyond
    end.partition(at)
    return end[at]


def _fraction_bits(column: NDArray[Any], largest: float) -> int:
    """The binary places with which typical values fill 23 bits; 0 for integers that fit.

    Args:
        column: all values.
        largest: magnitude of the typical ones; one that is far beyond would cost the others
            their resolution.
    """
    if largest < 1 << _FIXED_BITS and _are_integers(column):
        return 0
    exponent = int(np.frexp(largest)[1])  # largest < 2**exponent
    return max(-LARGEST_EXPONENT, min(_FIXED_BITS - exponent, LARGEST_EXPONENT))


def _are_integers(numbers: NDArray[Any]) -> bool:
    """Whether all of them are, looked at in pieces: most fractions show in the first."""
    flat, piece = numbers.reshape(-1), _LOOKED_AT * _COLUMNS
    return all(
        np.array_equal(flat[first : first + piece], np.rint(flat[first : first + piece]))
        for first in range(0, len(flat), piece)
    )


def _affine(low: int, high: int) -> tuple[int, int, int]:
    """Multiplier, bias and shift that take ``low`` to -128 and ``high`` to 127."""
    span = high - low
    if span == 0:
        return 0, 0, 0
    shift = 31
    while (multiplier := ((255 << shift) + span // 2) // span) >= 1 << 15:
        shift -= 1
    half = 1 << shift >> 1
    return multiplier, half - low * multiplier - (128 << shift), shift
