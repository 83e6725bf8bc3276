"""RAM that a front end takes on a 32-bit device: the C core's own layout (SPEC, section 14.4)."""

from dataclasses import dataclass

from tifed.rule.front_end.front_end import ORIENTATIONS, SECOND_ORDER, FrontEnd

CELL_ROWS = 3
"""One that waits for its neighbours, one that is being summed, one that begins."""

PLACE = 80
"""Where second order is in a picture: on a processor whose pointers have 32 bits."""


@dataclass(frozen=True)
class FrontEndMemory:
    """Bytes of the block that a front end needs beside the features; no picture is kept.

    Attributes:
        row: the row of the sample that is arriving.
        pixels: brightness of the two rows before it, with a 0 on the right.
        cells: sums of three rows of cells, with one more on the right.
        energies: of two rows of cells.
        blocks: sums of a row of 2x2 blocks.
        second_order: orientations of three rows of cells, and sums and energies of second order.
        place: where second order is in a picture.
    """

    row: int
    pixels: int
    cells: int
    energies: int
    blocks: int
    second_order: int
    place: int

    @property
    def total(self) -> int:
        """Sum of all parts, the first five and the last two rounded up to whole 32-bit words."""
        first = self.row + self.pixels + self.cells + self.energies + self.blocks
        return (first + 3) // 4 * 4 + (self.place + self.second_order + 3) // 4 * 4


def front_end_memory(front_end: FrontEnd) -> FrontEndMemory:
    """What ``tifed_front_end_memory`` says, part by part."""
    _, width, channels = front_end.input_shape
    _, columns = front_end.grid
    _, block_columns, _ = front_end.output_shape
    directions = front_end.parts.directions
    second_order = 0
    if front_end.parts.second_order:
        second_order = 2 * CELL_ROWS * (block_columns + 1) * SECOND_ORDER + 2 * 2 * block_columns
        second_order += (CELL_ROWS * columns + 2) * ORIENTATIONS
    return FrontEndMemory(
        row=width * channels,
        pixels=2 * (width + 1),
        cells=2 * CELL_ROWS * (columns + 1) * directions,
        energies=2 * 2 * columns,
        blocks=2 * block_columns * directions if front_end.parts.merged else 0,
        second_order=second_order,
        place=PLACE if front_end.parts.second_order else 0,
    )
