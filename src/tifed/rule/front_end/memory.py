"""RAM that a front end takes on a device: the C core's own layout (SPEC, section 14.4)."""

from dataclasses import dataclass

from tifed.rule.front_end.front_end import FrontEnd

CELL_ROWS = 3
"""One that waits for its neighbours, one that is being summed, one that begins."""


@dataclass(frozen=True)
class FrontEndMemory:
    """Bytes of the block that a front end needs beside the features; no picture is kept.

    Attributes:
        row: the row of the sample that is arriving.
        pixels: brightness of the two rows before it, with a 0 on the right.
        cells: sums of three rows of cells, with one more on the right.
        energies: of two rows of cells.
        blocks: sums of a row of 2x2 blocks.
    """

    row: int
    pixels: int
    cells: int
    energies: int
    blocks: int

    @property
    def total(self) -> int:
        """Sum of all parts, rounded up to whole 32-bit words."""
        parts = self.row + self.pixels + self.cells + self.energies + self.blocks
        return (parts + 3) // 4 * 4


def front_end_memory(front_end: FrontEnd) -> FrontEndMemory:
    """What ``tifed_front_end_memory`` says, part by part."""
    _, width, channels = front_end.input_shape
    _, columns = front_end.grid
    _, block_columns, directions = front_end.output_shape
    return FrontEndMemory(
        row=width * channels,
        pixels=2 * (width + 1),
        cells=2 * CELL_ROWS * (columns + 1) * directions,
        energies=2 * 2 * columns,
        blocks=2 * block_columns * directions if front_end.parts.merged else 0,
    )
