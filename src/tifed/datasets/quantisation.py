"""Numbers of any range to int8, with integer constants that a device can apply as well.

Per feature: the number is put to fixed point, ``x = round(value * 2**fraction_bits)`` (ties to
even, saturated to int32), and then

    q = clamp((x * multiplier + bias) >> shift, -128, 127)

in 64 bits, ``>>`` being the arithmetic shift, which together with half a unit in ``bias`` rounds to
nearest, ties up. The constants come from the training samples alone: the values that leave one half
percent of them below and above become -128 and 127, so one outlier does not squeeze the rest. They
are order statistics of integers, and every step after the fixed point is exact: the same numbers
give the same constants on any machine.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tifed.atomic import write_atomically
from tifed.errors import UsageError

Kind = Literal["identity", "minus-128", "affine"]

FORMAT = "tifed-quantisation"
VERSION = 1

_FIXED_BITS = 23  # training values fill at most so many bits: resolution 2**-23 of the largest
_LARGEST_EXPONENT = 64  # fraction_bits stay in -64..64
_TAIL = 200  # one in so many training values lies below the range, and one in so many above
_CONSTANTS = ("fraction_bits", "multiplier", "bias", "shift")


@dataclass(frozen=True)
class Quantisation:
    """A saturating map from numbers to int8.

    Attributes:
        kind: "identity" (integers -128..127 as they are), "minus-128" (integers 0..255 less 128)
            or "affine" (the constants below).
        fraction_bits: binary places of the fixed-point number, -64..64; integer inputs have 0.
        multiplier: 0..2**15 - 1; 0 for a feature that never changed in training: it becomes 0.
        bias: fits in 48 bits with its sign.
        shift: 0..31.

    Each tuple of an affine map holds one constant per feature, or a single one for all features.
    Identity and minus-128 have empty tuples.

    Raises:
        UsageError: if a constant is out of range or the tuples differ in length.
    """

    kind: Kind
    fraction_bits: tuple[int, ...] = ()
    multiplier: tuple[int, ...] = ()
    bias: tuple[int, ...] = ()
    shift: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        limits = {
            "fraction_bits": (-_LARGEST_EXPONENT, _LARGEST_EXPONENT),
            "multiplier": (0, (1 << 15) - 1),
            "bias": (-(1 << 47), (1 << 47) - 1),
            "shift": (0, 31),
        }
        if self.kind not in ("identity", "minus-128", "affine"):
            raise UsageError(
                f"quantisation kind: {self.kind!r} is unknown; "
                "it is one of identity, minus-128, affine"
            )
        for name, (low, high) in limits.items():
            constants = getattr(self, name)
            if len(constants) != len(self.shift) or bool(constants) != (self.kind == "affine"):
                raise UsageError(
                    f"quantisation {name}: {len(constants)} constants; an affine map has one per "
                    "feature (or one for all) of each kind, the other maps have none"
                )
            for constant in constants:
                if type(constant) is not int or not low <= constant <= high:
                    raise UsageError(
                        f"quantisation {name}: {constant!r} is not an integer in {low}..{high}"
                    )

    def apply(self, features: NDArray[Any], where: str = "features") -> NDArray[np.int8]:
        """Quantise ``features``, saturating.

        Args:
            features: numbers (N, D).
            where: what to call them in an error message, such as the file's name.

        Returns:
            int8 (N, D).

        Raises:
            UsageError: for NaN or infinity, for fractions where integers are due, and for a number
                of features that the constants were not made for.

        >>> Quantisation("minus-128").apply(np.array([[0, 128, 255, 300]]))
        array([[-128,    0,  127,  127]], dtype=int8)
        """
        numbers = finite(features, where)
        if self.kind == "affine":
            if len(self.shift) not in (1, numbers.shape[1]):
                raise UsageError(
                    f"{where}: {numbers.shape[1]} features, but the quantisation was made for "
                    f"{len(self.shift)}; calibrate it on these data"
                )
            bits, multiplier, bias, shift = (
                np.array(getattr(self, name), dtype=np.int64) for name in _CONSTANTS
            )
            quantised = (_fixed_point(numbers, bits) * multiplier + bias) >> shift
        else:
            if (at := _first(numbers != np.rint(numbers))) is not None:
                raise UsageError(
                    f"{where}: row {at[0]}, column {at[1]}: {numbers[at]} is not an integer, but "
                    f"the quantisation is {self.kind!r}; use 'per-feature' or 'shared'"
                )
            quantised = numbers - (128 if self.kind == "minus-128" else 0)
        saturated: NDArray[np.int8] = np.clip(quantised, -128, 127).astype(np.int8)
        return saturated

    def save(self, path: Path) -> None:
        """Write the constants as JSON, with a format name and version."""
        document = {"format": FORMAT, "version": VERSION, **asdict(self)}
        write_atomically(path, json.dumps(document, indent=1) + "\n")


def load_quantisation(path: Path) -> Quantisation:
    """Read what `Quantisation.save` wrote.

    Raises:
        UsageError: if the file is missing, is no such file, or is of another version.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be read ({error.strerror}); name a file that Quantisation.save wrote"
        ) from error
    except ValueError as error:
        raise UsageError(f"{path}: is not JSON ({error}); save the quantisation again") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise UsageError(f"{path}: is no quantisation file; its 'format' must be {FORMAT!r}")
    if document.get("version") != VERSION:
        raise UsageError(
            f"{path}: version {document.get('version')!r} of the format is unknown; "
            f"this release reads version {VERSION}"
        )
    constants = {name: document.get(name, []) for name in _CONSTANTS}
    for name, values in constants.items():
        if not isinstance(values, list):
            raise UsageError(f"{path}: {name} must be a list of integers")
    try:
        kind: Any = document.get("kind")
        return Quantisation(kind, **{name: tuple(v) for name, v in constants.items()})
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error


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
    numbers = finite(features, where)
    if numbers.size == 0:
        raise UsageError(f"{where}: no samples to calibrate the quantisation on")
    if (at := _first(np.abs(numbers) >= 2.0**80)) is not None:
        raise UsageError(
            f"{where}: row {at[0]}, column {at[1]}: {numbers[at]} is too large; "
            "scale the feature so that it stays below 2**80"
        )
    columns = numbers.reshape(-1, 1) if shared else numbers
    bits = np.array([_fraction_bits(column) for column in columns.T], dtype=np.int64)
    ordered = np.sort(_fixed_point(columns, bits), axis=0)
    outside = len(ordered) // _TAIL
    lows, highs = ordered[outside], ordered[len(ordered) - 1 - outside]
    # A feature that is mostly one value, such as a rare event, still has a range.
    narrow = lows == highs
    lows, highs = np.where(narrow, ordered[0], lows), np.where(narrow, ordered[-1], highs)
    maps = [_affine(int(low), int(high)) for low, high in zip(lows, highs, strict=True)]
    multiplier, bias, shift = zip(*maps, strict=True)
    return Quantisation("affine", tuple(bits.tolist()), multiplier, bias, shift)


def choose(features: NDArray[Any], where: str = "features") -> Quantisation:
    """The least intrusive map: identity, minus-128 if the features are bytes, else per feature.

    Args:
        features: numbers (N, D) of the training split.
        where: what to call them in an error message.

    Raises:
        UsageError: as `calibrate` does.

    >>> choose(np.array([[0, 255]])).kind, choose(np.array([[0.5, 2.0]])).kind
    ('minus-128', 'affine')
    """
    numbers = finite(features, where)
    if numbers.size and np.array_equal(numbers, np.rint(numbers)):
        low, high = numbers.min(), numbers.max()
        if low >= -128 and high <= 127:
            return Quantisation("identity")
        if low >= 0 and high <= 255:
            return Quantisation("minus-128")
    return calibrate(features, where=where)


def as_int8(features: NDArray[Any], where: str = "features") -> NDArray[np.int8]:
    """Features that are said to be int8 already, checked instead of saturated.

    Raises:
        UsageError: if one of them is not an integer in -128..127.
    """
    numbers = finite(features, where)
    bad = (numbers != np.rint(numbers)) | (numbers < -128) | (numbers > 127)
    if (at := _first(bad)) is not None:
        raise UsageError(
            f"{where}: row {at[0]}, column {at[1]}: {numbers[at]} is not an integer in -128..127, "
            "as quantise='none' promises; use quantise='auto', 'per-feature' or 'shared'"
        )
    return numbers.astype(np.int8)


def finite(features: NDArray[Any], where: str) -> NDArray[Any]:
    """Features as finite numbers, int64 or float64.

    Args:
        features: (N, D).
        where: what to call them in an error message.

    Raises:
        UsageError: if they are no numbers, not in two dimensions, or NaN or infinite.
    """
    if features.ndim != 2 or features.dtype.kind not in "biuf":
        raise UsageError(
            f"{where}: must be numbers of shape (samples, features), "
            f"not {features.dtype} of shape {features.shape}"
        )
    if features.dtype.kind == "f":
        if (at := _first(~np.isfinite(features))) is not None:
            raise UsageError(
                f"{where}: row {at[0]}, column {at[1]}: {features[at]} is not a finite number; "
                "leave the row out or replace the value"
            )
        return features.astype(np.float64)
    # Beyond 2**53 an integer would lose digits on its way through float64; no sensor has such.
    return features.astype(np.int64 if features.dtype != np.uint64 else np.float64)


def _first(bad: NDArray[np.bool_]) -> tuple[int, int] | None:
    """Row and column, from 0, of the first True."""
    if not bad.any():
        return None
    row, column = divmod(int(bad.argmax()), bad.shape[1])
    return row, column


def _fraction_bits(column: NDArray[Any]) -> int:
    """The binary places with which the column's values fill 23 bits; 0 for integers that fit."""
    largest = float(np.abs(column).max())
    if largest < 1 << _FIXED_BITS and np.array_equal(column, np.rint(column)):
        return 0
    exponent = int(np.frexp(largest)[1])  # largest < 2**exponent
    return max(-_LARGEST_EXPONENT, min(_FIXED_BITS - exponent, _LARGEST_EXPONENT))


def _fixed_point(numbers: NDArray[Any], bits: NDArray[np.int64]) -> NDArray[np.int64]:
    """``round(numbers * 2**bits)`` saturated to int32; scaling by a power of two is exact."""
    scaled = np.rint(np.ldexp(numbers.astype(np.float64), bits))
    return np.clip(scaled, -(2.0**31), 2.0**31 - 1).astype(np.int64)


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
