"""Front ends with one part changed, in NumPy, to measure what the part is worth.

The command line does not know them. A command that names one begins with
``python -m benchmarks.results.variants``, which adds them and then does what ``tifed`` does.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

import tifed
from tifed.rule.front_end import FrontEndBase
from tifed.rule.front_end.oracle import PIXEL_ZERO
from tifed.rule.front_end.parts import (
    SQUARE_ROOTS,
    TABLE_LENGTH,
    eight_directions,
    gradients,
    luminance,
    merged,
    normalised,
    pooled,
)
from tifed.rule.integer.rounding import Integers
from tifed.rule.network.value_ranges import Range

BLOCK = 128
"""Pictures at a time."""


def hard_octants(across: Integers, down: Integers) -> Integers:
    """As `eight_directions`, but a gradient counts for the nearest of the eight alone."""
    soft = eight_directions(across, down)
    longer = np.maximum(np.abs(across), np.abs(down))
    shorter = np.minimum(np.abs(across), np.abs(down))
    diagonal = 5 * shorter > 2 * longer  # tan 22.5° is .414
    chosen = np.where(soft > 0, (longer + (shorter >> 1))[..., np.newaxis], 0)
    chosen[..., :4] *= ~diagonal[..., np.newaxis]
    chosen[..., 4:] *= diagonal[..., np.newaxis]
    return chosen


def unsigned(across: Integers, down: Integers) -> Integers:
    """Four directions of lines, whichever side is the brighter one."""
    planes = eight_directions(across, down)
    both_ways: Integers = planes[..., ::2] + planes[..., 1::2]
    return both_ways


def plain_mean(planes: Integers) -> Integers:
    """As `pooled`, but of the 2x2 pixels of a cell alone, each counting the same."""
    even = np.pad(planes, ((0, 0), (0, planes.shape[1] % 2), (0, planes.shape[2] % 2), (0, 0)))
    cells: Integers = (
        even[:, ::2, ::2] + even[:, ::2, 1::2] + even[:, 1::2, ::2] + even[:, 1::2, 1::2]
    )
    halves: Integers = cells >> 1
    return halves


def not_normalised(cells: Integers) -> Integers:
    """Cells as they are, to the same 0..255."""
    levels: Integers = np.minimum(cells >> 1, TABLE_LENGTH - 1)
    return levels


def normalised_alone(cells: Integers) -> Integers:
    """As `normalised`, but by the energy of the cell alone."""
    around = cells.sum(axis=-1) * 9 >> 3
    levels: Integers = cells * ((1 << 15) // (around + 16))[..., np.newaxis] >> 8
    return np.minimum(levels, TABLE_LENGTH - 1)


def square_root(cells: Integers) -> Integers:
    """By the table."""
    roots: Integers = SQUARE_ROOTS[cells]
    return roots


def unchanged(cells: Integers) -> Integers:
    """Nothing in the place of a step."""
    return cells


def merged_by_largest(cells: Integers) -> Integers:
    """As `merged`, but the largest of the four instead of their mean."""
    even = np.pad(
        cells, ((0, 0), (0, cells.shape[1] % 2), (0, cells.shape[2] % 2), (0, 0)), mode="edge"
    )
    largest: Integers = np.maximum.reduce(
        [even[:, ::2, ::2], even[:, ::2, 1::2], even[:, 1::2, ::2], even[:, 1::2, 1::2]]
    )
    return largest


@dataclass(frozen=True)
class Steps:
    """The steps of a front end, in their order; by default those of `octants`."""

    directions: Callable[[Integers, Integers], Integers] = eight_directions
    pool: Callable[[Integers], Integers] = pooled
    normalise: Callable[[Integers], Integers] = normalised
    root: Callable[[Integers], Integers] = square_root
    merge: Callable[[Integers], Integers] = merged


VARIANTS: Mapping[str, Steps] = {
    "octants-hard": Steps(directions=hard_octants),
    "octants-unsigned": Steps(directions=unsigned),
    "octants-plain-mean": Steps(pool=plain_mean),
    "octants-not-normalised": Steps(normalise=not_normalised),
    "octants-normalised-alone": Steps(normalise=normalised_alone),
    "octants-no-root": Steps(root=unchanged),
    "octants-neither": Steps(normalise=not_normalised, root=unchanged),
    "octants-largest": Steps(merge=merged_by_largest),
}


def through(steps: Steps, samples: NDArray[np.int8], shape: tuple[int, ...]) -> NDArray[np.int8]:
    """What ``steps`` make of samples int8 (N, D) of ``shape``, a block at a time."""
    found = []
    for first in range(0, len(samples), BLOCK):
        block = samples[first : first + BLOCK].astype(np.int64) - PIXEL_ZERO
        grey = luminance(block.reshape(len(block), *shape))
        cells = steps.normalise(steps.pool(steps.directions(*gradients(grey))))
        features = steps.merge(steps.root(cells)) + PIXEL_ZERO
        found.append(features.reshape(len(block), -1).astype(np.int8))
    return np.concatenate(found)


@dataclass(frozen=True)
class Variant(FrontEndBase):
    """`octants` with other steps; for measurements, not for devices."""

    name: str
    input_shape: tuple[int, ...]

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Cells of 4x4 pixels and directions."""
        height, width, _ = self.input_shape
        return -(-height // 4), -(-width // 4), 4 if self.name == "octants-unsigned" else 8

    @property
    def description(self) -> str:
        """Its name and shape."""
        return f"benchmarks.results.variants/1 {self.name} {self.input_shape}"

    def compute(self, samples: NDArray[np.int8]) -> NDArray[np.int8]:
        """Features int8 (N, F) of samples int8 (N, D)."""
        return through(VARIANTS[self.name], samples, self.input_shape)

    def ranges(self) -> tuple[Range, ...]:
        """None: nothing is proved of what no device computes."""
        return ()


for _name in VARIANTS:
    tifed.register_front_end(_name, partial(Variant, _name))

if __name__ == "__main__":
    from tifed.cli import app

    app()
