"""Numbers of any range to int8, with integer constants that a device can apply as well.

Per feature: the number is put to fixed point, ``x = round(value * 2**fraction_bits)`` (ties to
even, saturated to int32), and then

    q = clamp((x * multiplier + bias) >> shift, -128, 127)

in 64 bits, ``>>`` being the arithmetic shift, which together with half a unit in ``bias`` rounds to
nearest, ties up. Where the constants come from: `tifed.data.quantisation.calibration`.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tifed.errors import UsageError
from tifed.files.atomic import write_atomically

FORMAT = "tifed-quantisation"
VERSION = 2
"""Version 1 had the constants alone; version 2 has the names of features and classes as well."""

Kind = Literal["identity", "minus-128", "affine"]

LARGEST_EXPONENT = 64
"""``fraction_bits`` stay within this magnitude."""

_VALUES_AT_A_TIME = 1 << 17  # a large table is mapped piece by piece, to spare memory

CONSTANTS = ("fraction_bits", "multiplier", "bias", "shift")
"""What an affine map has one of per feature, or one of for all."""


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
        feature_names: of the columns that it was made for, in their order; empty if they had none.
        class_names: of the data that it was made for, so that later data are numbered alike.

    Names say what a map is for; two maps are equal if their constants are. Each tuple of an affine
    map holds one constant per feature, or a single one for all features.
    Identity and minus-128 have empty tuples.

    Raises:
        UsageError: if a constant is out of range or the tuples differ in length.
    """

    kind: Kind
    fraction_bits: tuple[int, ...] = ()
    multiplier: tuple[int, ...] = ()
    bias: tuple[int, ...] = ()
    shift: tuple[int, ...] = ()
    feature_names: tuple[str, ...] = field(default=(), compare=False)
    class_names: tuple[str, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        limits = {
            "fraction_bits": (-LARGEST_EXPONENT, LARGEST_EXPONENT),
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
        return self.count(features, where)[0]

    def count(
        self, features: NDArray[Any], where: str = "features"
    ) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
        """Quantise ``features`` (N, D) as `apply` does, and count the values outside the range.

        Returns:
            int8 (N, D), and int64 (D,): how many values of each feature were cut off.

        >>> Quantisation("minus-128").count(np.array([[0, 128, 255, 300]]))[1].tolist()
        [0, 0, 0, 1]
        """
        if features.ndim != 2:
            finite(features, where)
        samples = np.empty(features.shape, np.int8)
        outside = np.zeros(features.shape[1:], np.int64)
        rows = max(1, _VALUES_AT_A_TIME // max(1, features.shape[1]))
        for first in range(0, max(1, len(features)), rows):
            part = features[first : first + rows]
            levels = self._unlimited(part, where, first)
            outside += np.count_nonzero((levels < -128) | (levels > 127), axis=0)
            samples[first : first + rows] = np.clip(levels, -128, 127)
        return samples, outside

    def _unlimited(self, features: NDArray[Any], where: str, row: int) -> NDArray[Any]:
        """The map's levels (N, D) before they are limited to int8; ``row`` is the first's."""
        numbers = finite(features, where, row)
        if self.kind == "affine":
            if len(self.shift) not in (1, numbers.shape[1]):
                raise UsageError(
                    f"{where}: {numbers.shape[1]} features, but the quantisation was made for "
                    f"{len(self.shift)}; calibrate it on these data"
                )
            bits, multiplier, bias, shift = (
                np.array(getattr(self, name), dtype=np.int64) for name in CONSTANTS
            )
            levels: NDArray[Any] = (fixed_point(numbers, bits) * multiplier + bias) >> shift
            return levels
        if (at := first_of(numbers != np.rint(numbers))) is not None:
            raise UsageError(
                f"{where}: row {row + at[0]}, column {at[1]}: {numbers[at]} is not an integer, but "
                f"the quantisation is {self.kind!r}; use 'per-feature' or 'shared'"
            )
        return numbers - (128 if self.kind == "minus-128" else 0)

    def save(self, path: Path) -> None:
        """Write constants and names as JSON, with a format name and version.

        `tifed.data.load_quantisation` reads them.
        """
        document = {"format": FORMAT, "version": VERSION, **asdict(self)}
        write_atomically(path, json.dumps(document, indent=1) + "\n")


def as_int8(features: NDArray[Any], where: str = "features") -> NDArray[np.int8]:
    """Features that are said to be int8 already, checked instead of saturated.

    Raises:
        UsageError: if one of them is not an integer in -128..127.
    """
    numbers = finite(features, where)
    bad = (numbers != np.rint(numbers)) | (numbers < -128) | (numbers > 127)
    if (at := first_of(bad)) is not None:
        raise UsageError(
            f"{where}: row {at[0]}, column {at[1]}: {numbers[at]} is not an integer in -128..127, "
            "as quantise='none' promises; use quantise='auto', 'per-feature' or 'shared'"
        )
    return numbers.astype(np.int8)


def finite(features: NDArray[Any], where: str, row: int = 0) -> NDArray[Any]:
    """Features as finite numbers, int64 or float64; no copy where they are that already.

    Args:
        features: (N, D).
        where: what to call them in an error message.
        row: number of their first row, for the message.

    Raises:
        UsageError: if they are no numbers, not in two dimensions, or NaN or infinite.
    """
    if features.ndim != 2 or features.dtype.kind not in "biuf":
        raise UsageError(
            f"{where}: must be numbers of shape (samples, features), "
            f"not {features.dtype} of shape {features.shape}"
        )
    if features.dtype.kind == "f":
        with np.errstate(over="ignore"):  # of a long double; what becomes infinite is refused
            features = features.astype(np.float64, copy=False)
        if (at := first_of(~np.isfinite(features))) is not None:
            raise UsageError(
                f"{where}: row {row + at[0]}, column {at[1]}: {features[at]} is not a finite "
                "number; leave the row out or replace the value"
            )
        return features
    # Beyond 2**53 an integer would lose digits on its way through float64; no sensor has such.
    return features.astype(np.int64 if features.dtype != np.uint64 else np.float64, copy=False)


def first_of(bad: NDArray[np.bool_]) -> tuple[int, int] | None:
    """Row and column, from 0, of the first True."""
    if not bad.any():
        return None
    row, column = divmod(int(bad.argmax()), bad.shape[1])
    return row, column


def fixed_point(numbers: NDArray[Any], bits: NDArray[np.int64]) -> NDArray[np.int64]:
    """``round(numbers * 2**bits)`` saturated to int32; scaling by a power of two is exact."""
    scaled = np.rint(np.ldexp(numbers.astype(np.float64), bits))
    return np.clip(scaled, -(2.0**31), 2.0**31 - 1).astype(np.int64)
