"""What a front end's work on one sample consists of, whatever the processor."""

import math
from dataclasses import dataclass

from tifed.rule.front_end.front_end import SECOND_ORDER, FrontEnd


@dataclass(frozen=True)
class FrontEndOperations:
    """Counts of one sample.

    Attributes:
        values: of the sample, turned into brightness.
        pixels: whose gradient is sorted into directions and added to the cells near it.
        changes: of orientations, added to the cells of second order near them.
        cells: whose energy is summed and divided by.
        products: of a cell's directions, each looked up in the table of square roots.
        features: that come out.
    """

    values: int
    pixels: int
    changes: int
    cells: int
    products: int
    features: int


def front_end_operations(front_end: FrontEnd) -> FrontEndOperations:
    """The counts of ``front_end``."""
    height, width, channels = front_end.input_shape
    cells = math.prod(front_end.grid)
    second_cells = math.prod(front_end.output_shape[:2]) * front_end.parts.second_order
    return FrontEndOperations(
        values=height * width * channels,
        pixels=height * width,
        changes=cells * SECOND_ORDER * front_end.parts.second_order,
        cells=cells + second_cells,
        products=cells * front_end.parts.directions + second_cells * SECOND_ORDER,
        features=front_end.features,
    )
