"""What a front end is: a name, the picture that it takes, and what that decides."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tifed.errors import UsageError
from tifed.rule.front_end.base import FrontEndBase
from tifed.rule.network.value_ranges import Range

VERSION = 1
"""The version of the arithmetic, which digests contain (SPEC, section 14)."""

LEAST_SIDE, LARGEST_SIDE = 4, 4096
"""Rows or columns of a picture."""
CHANNELS = (1, 3)
"""How many values a pixel can have: grey, or red, green and blue."""
LARGEST_PICTURE = 1 << 24
"""Most values of a sample, and of its features."""

Plane = tuple[int, int, int]
"""Height, width and channels."""


@dataclass(frozen=True)
class Parts:
    """What a front end is put together from.

    Attributes:
        directions: into how many directions a gradient is sorted, 4 (along the axes) or 8 (and
            along the diagonals); each direction is a channel of the features.
        merged: whether the mean is taken of each 2x2 block of the normalised grid.
        second_order: whether the edges of the normalised grid follow as `SECOND_ORDER` further
            channels: how much each orientation changes across and down. Only after 8 directions,
            merged, so that both have the same rows and columns.
    """

    directions: int
    merged: bool
    second_order: bool = False


ORIENTATIONS = 4
"""Pairs of opposite directions: across, down, and the two diagonals."""
SECOND_ORDER = 2 * ORIENTATIONS
"""Channels that a second order adds: of each orientation, across and down."""

EDGE_FRONT_ENDS: dict[str, Parts] = {
    "edges": Parts(directions=4, merged=False),
    "edges-small": Parts(directions=4, merged=True),
    "octants": Parts(directions=8, merged=True),
    "octants-second-order": Parts(directions=8, merged=True, second_order=True),
}
"""What TIFeD's own front ends are put together from, by their names."""


@dataclass(frozen=True)
class FrontEnd(FrontEndBase):
    """A fixed integer map from a picture to features that a small network learns more from.

    It has no weights and is never trained (SPEC, section 14). A sample is a row of int8 values,
    pixel - 128, in the order height, width, channel; so are the features.

    Attributes:
        name: one of `EDGE_FRONT_ENDS`.
        input_shape: height and width, 4..4096 each, and channels, 1 or 3, of a picture.

    Raises:
        UsageError: naming the argument that is wrong.
    """

    name: str
    input_shape: Plane

    def __post_init__(self) -> None:
        if self.name not in EDGE_FRONT_ENDS:
            known = ", ".join(EDGE_FRONT_ENDS)
            raise UsageError(f"name: there is no front end {self.name!r}; there are {known}")
        shape = tuple(int(side) for side in self.input_shape)
        object.__setattr__(self, "input_shape", shape)
        if len(shape) != 3 or shape[2] not in CHANNELS:
            raise UsageError(
                f"input_shape: {shape}; it has to be (height, width, channels) of a picture with "
                "1 channel (grey) or 3 (red, green, blue)"
            )
        for side, name in zip(shape[:2], ("height", "width"), strict=True):
            if not LEAST_SIDE <= side <= LARGEST_SIDE:
                raise UsageError(
                    f"input_shape: the {name} of {shape} is not in {LEAST_SIDE}..{LARGEST_SIDE}"
                )
        if max(self.input_features, self.features) > LARGEST_PICTURE:
            raise UsageError(f"input_shape: {shape} is more than {LARGEST_PICTURE:,} values")

    @property
    def parts(self) -> Parts:
        """What it is put together from."""
        return EDGE_FRONT_ENDS[self.name]

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of the cells that gradients are summed in: every other pixel."""
        height, width, _ = self.input_shape
        return (height + 1) // 2, (width + 1) // 2

    @property
    def output_shape(self) -> Plane:
        """Rows, columns and channels of the features: directions, then those of second order."""
        rows, columns = self.grid
        if self.parts.merged:
            rows, columns = (rows + 1) // 2, (columns + 1) // 2
        return rows, columns, self.parts.directions + SECOND_ORDER * self.parts.second_order

    @property
    def description(self) -> str:
        """The text that its digest is of (SPEC, section 14.5)."""
        height, width, channels = self.input_shape
        parts = f"directions {self.parts.directions} merged {self.parts.merged:d}"
        if self.parts.second_order:
            parts += " second-order 1"
        return f"tifed-front-end/{VERSION}\ninput {height}x{width}x{channels} {parts}\n"

    def compute(self, samples: NDArray[np.int8]) -> NDArray[np.int8]:
        """Features int8 (N, F) of samples int8 (N, D), by the oracle.

        Raises:
            UsageError: if the samples have another type or length.
        """
        from tifed.rule.front_end.oracle import features

        return features(self, samples)

    def ranges(self) -> tuple[Range, ...]:
        """The proven worst case of every value (SPEC, section 14.3)."""
        from tifed.rule.front_end.ranges import front_end_ranges

        return front_end_ranges(self)
