"""From the frames of a recording to one sample of fixed length (SPEC, section 19.3), in int64."""

import numpy as np

from tifed.rule.integer.rounding import Integers
from tifed.rule.signal.log_mel_frames import STEPS_PER_OCTAVE

SLICES = 10
"""Of time, in a sample of slices."""
QUIET = 8 * STEPS_PER_OCTAVE
"""How far below the recording's largest energy its word begins and ends: 24 dB."""


def word(energies: Integers) -> Integers:
    """The frames (F, 20) from the first to the last whose largest energy is no `QUIET` below."""
    largest = energies.max(axis=1)
    loud = np.flatnonzero(largest > largest.max() - QUIET)
    return energies[loud[0] : loud[-1] + 1]


def slices(energies: Integers) -> Integers:
    """Mean of the frames (F, 20) in each of 10 equal slices of time: (10, 20).

    Less the mean of all. A slice has every frame of which it has a part.
    """
    edges = np.arange(SLICES + 1) * len(energies)
    firsts, lasts = edges[:-1] // SLICES, -(-edges[1:] // SLICES)
    means = np.stack(
        [energies[a:b].sum(axis=0) // (b - a) for a, b in zip(firsts, lasts, strict=True)]
    )
    centred: Integers = means - means.sum() // means.size
    return centred


def picture(energies: Integers, rows: int) -> Integers:
    """The middle of the frames (F, 20) at its own pace, two frames a row: (rows, 20).

    Less the mean of all frames. If there are too few, rows of the quietest value stand before and
    after them.
    """
    centred = energies - energies.sum() // energies.size
    missing = max(0, 2 * rows - len(centred))
    padding = ((missing // 2, missing - missing // 2), (0, 0))
    padded = np.pad(centred, padding, constant_values=int(centred.min()))
    first = (len(padded) - 2 * rows) // 2
    pairs: Integers = padded[first : first + 2 * rows].reshape(rows, 2, -1).sum(axis=1) >> 1
    return pairs
