"""The parts that front ends are put together from (SPEC, section 14), in int64.

Pictures and planes are arrays (N, rows, columns, channels); outside of them everything is 0.
"""

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tifed.rule.integer.rounding import Integers

POOL_WEIGHTS = (1, 2, 1)
"""What a pixel counts in a cell, by its row and by its column of the cell's three."""
POOL_SHIFT = 3
"""What a cell's sum is divided by, as a power of two."""
RECIPROCAL = 1 << 15
ENERGY_FLOOR = 16
"""Added to a neighbourhood's energy, so that the faintest noise is not made as loud as an edge."""
SCALE_SHIFT = 8
TABLE_LENGTH = 256
SQUARE_ROOTS = np.array(
    [(math.isqrt(4 * 255 * u) + 1) // 2 for u in range(TABLE_LENGTH)], dtype=np.int64
)
"""The whole number nearest to the square root of 255·u, for u = 0..255: 0..255."""


def luminance(pixels: Integers) -> Integers:
    """Brightness (N, H, W), 0..255, of pixels (N, H, W, 1 or 3), 0..255."""
    if pixels.shape[-1] == 1:
        return pixels[..., 0]
    grey: Integers = (pixels[..., 0] + 2 * pixels[..., 1] + pixels[..., 2]) >> 2
    return grey


def gradients(grey: Integers) -> tuple[Integers, Integers]:
    """Across and down, -255..255, each (N, H, W), of brightness (N, H, W)."""
    padded = np.pad(grey, ((0, 0), (1, 1), (1, 1)))
    across = padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]
    down = padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]
    return across, down


def four_directions(across: Integers, down: Integers) -> Integers:
    """Planes (N, H, W, 4), 0..255: what points right, left, down, up."""
    return np.stack([np.maximum(it, 0) for it in (across, -across, down, -down)], axis=-1)


def eight_directions(across: Integers, down: Integers) -> Integers:
    """Planes (N, H, W, 8), 0..382: right, left, down, up, and the four diagonals.

    Of a gradient, what the two axes have in common counts, times 1.5, for the diagonal between
    them, and what the longer one has more for that axis.
    """
    x, y = np.abs(across), np.abs(down)
    shared = np.minimum(x, y)
    diagonal = shared + (shared >> 1)
    right, below = across >= 0, down >= 0
    return np.stack(
        [
            np.where(right, x - shared, 0),
            np.where(~right, x - shared, 0),
            np.where(below, y - shared, 0),
            np.where(~below, y - shared, 0),
            np.where(right & below, diagonal, 0),
            np.where(~right & ~below, diagonal, 0),
            np.where(right & ~below, diagonal, 0),
            np.where(~right & below, diagonal, 0),
        ],
        axis=-1,
    )


def orientations(cells: Integers) -> Integers:
    """Planes (N, h, w, K / 2): of cells (N, h, w, K) the larger of each two opposite directions."""
    return np.maximum(cells[..., 0::2], cells[..., 1::2])


def changes(planes: Integers) -> Integers:
    """How much planes (N, h, w, K), 0..255, change: (N, h, w, 2·K), each across and down."""
    padded = np.pad(planes, ((0, 0), (1, 1), (1, 1), (0, 0)))
    across = np.abs(padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2])
    down = np.abs(padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1])
    return np.stack([across, down], axis=-1).reshape(*planes.shape[:-1], -1)


def pooled(planes: Integers) -> Integers:
    """Cells (N, ⌈H/2⌉, ⌈W/2⌉, K): binomial sums around every other pixel of planes (N, H, W, K)."""
    padded = np.pad(planes, ((0, 0), (1, 1), (1, 1), (0, 0)))
    windows = sliding_window_view(padded, (3, 3), (1, 2))[:, ::2, ::2]  # (N, h, w, K, 3, 3)
    weights = np.outer(POOL_WEIGHTS, POOL_WEIGHTS).astype(np.int64)
    cells: Integers = np.tensordot(windows, weights, ((4, 5), (0, 1))) >> POOL_SHIFT
    return cells


def normalised(cells: Integers) -> Integers:
    """Cells (N, h, w, K), 0..255: each by the energy of the 3x3 cells around it, all directions."""
    energy = np.pad(cells.sum(axis=-1), ((0, 0), (1, 1), (1, 1)))
    around = sliding_window_view(energy, (3, 3), (1, 2)).sum(axis=(3, 4)) >> 3
    scale = RECIPROCAL // (around + ENERGY_FLOOR)
    levels: Integers = (cells * scale[..., np.newaxis]) >> SCALE_SHIFT
    return np.minimum(levels, TABLE_LENGTH - 1)


def merged(cells: Integers) -> Integers:
    """Means of 2x2 blocks of cells (N, h, w, K); an odd last row or column counts twice."""
    height, width = cells.shape[1:3]
    even = np.pad(cells, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    blocks = even[:, ::2, ::2] + even[:, ::2, 1::2] + even[:, 1::2, ::2] + even[:, 1::2, 1::2]
    means: Integers = blocks >> 2
    return means
