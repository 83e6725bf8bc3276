"""What a front end's work on one sample consists of, whatever the processor."""

import math
from dataclasses import dataclass

from tifed.rule.front_end.front_end import SECOND_ORDER, FrontEnd


@dataclass(frozen=True)
class FrontEndOperations:
    """Counts of one sample.

    Attributes:
        values: of the sample, turned into brightness.
        rows: of pixels, and of cells of which a second order is formed; each begins the loops anew.
        pixels: whose gradient is sorted into directions and added to the cells near it.
        changes: of orientations, added to the cells of second order near them.
        cells: whose energy is summed and divided by.
        products: of a cell's directions, each looked up in the table of square roots.
        merged: of these, those that become a part of a block of 2x2.
        second_orders: that are begun and ended once in a picture: 0 or 1.
    """

    values: int
    rows: int
    pixels: int
    changes: int
    cells: int
    products: int
    merged: int
    second_orders: int


def front_end_operations(front_end: FrontEnd) -> FrontEndOperations:
    """The counts of ``front_end``."""
    height, width, channels = front_end.input_shape
    rows, columns = front_end.grid
    cells = rows * columns
    products = cells * front_end.parts.directions
    second = int(front_end.parts.second_order)
    second_cells = math.prod(front_end.output_shape[:2]) * second
    return FrontEndOperations(
        values=height * width * channels,
        rows=height + rows * second,
        pixels=height * width,
        changes=cells * SECOND_ORDER * second,
        cells=cells + second_cells,
        products=products + second_cells * SECOND_ORDER,
        merged=products if front_end.parts.merged else 0,
        second_orders=second,
    )
