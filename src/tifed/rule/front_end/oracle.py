"""Front ends, executable: the reference every other implementation equals bit for bit.

Written to be read, in int64, and never made faster (SPEC, section 14).
"""

import numpy as np
from numpy.typing import NDArray

from tifed.errors import UsageError
from tifed.rule.front_end.front_end import FrontEnd
from tifed.rule.front_end.parts import (
    SQUARE_ROOTS,
    changes,
    eight_directions,
    four_directions,
    gradients,
    luminance,
    merged,
    normalised,
    orientations,
    pooled,
)

PIXEL_ZERO = -128
"""The sample that stands for a pixel of 0, and the feature for no edge at all."""
BLOCK = 128
"""Samples at a time: only bounds the memory."""


def features(front_end: FrontEnd, samples: NDArray[np.int8]) -> NDArray[np.int8]:
    """Features int8 (N, F) of samples int8 (N, D), both in the order row, column, channel.

    Raises:
        UsageError: if the samples have another type or length.
    """
    check_samples(front_end, samples)
    parts = front_end.parts
    directions = {4: four_directions, 8: eight_directions}[parts.directions]
    found = np.empty((len(samples), front_end.features), np.int8)
    for first in range(0, len(samples), BLOCK):
        block = samples[first : first + BLOCK].astype(np.int64) - PIXEL_ZERO
        grey = luminance(block.reshape(len(block), *front_end.input_shape))
        cells = SQUARE_ROOTS[normalised(pooled(directions(*gradients(grey))))]
        planes = [merged(cells) if parts.merged else cells]
        if parts.second_order:
            planes.append(SQUARE_ROOTS[normalised(pooled(changes(orientations(cells))))])
        found[first : first + BLOCK] = (
            np.concatenate(planes, axis=-1).reshape(len(block), -1) + PIXEL_ZERO
        )
    return found


def check_samples(front_end: FrontEnd, samples: NDArray[np.int8]) -> None:
    """Make sure that ``samples`` are rows that ``front_end`` takes.

    Raises:
        UsageError: if not.
    """
    if samples.ndim != 2 or samples.dtype != np.int8:
        raise UsageError(f"samples: {samples.dtype} {samples.shape}; a front end takes int8 rows")
    if samples.shape[1] != front_end.input_features:
        height, width, channels = front_end.input_shape
        raise UsageError(
            f"samples: {samples.shape[1]} values each; the front end {front_end.name!r} takes "
            f"pictures of {height}x{width}x{channels} = {front_end.input_features}"
        )
