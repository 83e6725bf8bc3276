"""What a front end's work on one sample consists of, whatever the processor."""

from dataclasses import dataclass

from tifed.rule.front_end.front_end import FrontEnd


@dataclass(frozen=True)
class FrontEndOperations:
    """Counts of one sample.

    Attributes:
        values: of the sample, turned into brightness.
        rows: of pixels, each of which begins the loops anew.
        pixels: whose gradient is sorted into directions and added to the cells near it.
        cells: whose energy is summed and divided by.
        products: of a cell's directions, each looked up in the table of square roots.
        merged: of these, those that become a part of a block of 2x2.
    """

    values: int
    rows: int
    pixels: int
    cells: int
    products: int
    merged: int


def front_end_operations(front_end: FrontEnd) -> FrontEndOperations:
    """The counts of ``front_end``."""
    height, width, channels = front_end.input_shape
    rows, columns = front_end.grid
    products = rows * columns * front_end.parts.directions
    return FrontEndOperations(
        values=height * width * channels,
        rows=height,
        pixels=height * width,
        cells=rows * columns,
        products=products,
        merged=products if front_end.parts.merged else 0,
    )
