"""A user's samples as a file holds them, before anything is made of them."""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Table:
    """Samples as a user's file holds them.

    Attributes:
        features: numbers (N, D).
        labels: integers or strings (N,).
        groups: integers or strings (N,), or None.
        feature_names: one per column of features; empty if the file does not name them.
        image_shape: (height, width, channels) if a sample is a picture, features in that order.
        one_unit: whether all features are known to have the same unit, as pixels or the
            readings of one signal have.
    """

    features: NDArray[Any]
    labels: NDArray[Any]
    groups: NDArray[Any] | None
    feature_names: tuple[str, ...] = ()
    image_shape: tuple[int, int, int] | None = None
    one_unit: bool = False
