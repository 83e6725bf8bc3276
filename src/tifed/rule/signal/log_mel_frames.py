"""Log energies of the frames of a recording, executable (SPEC, section 19.2), in int64.

Written to be read and never made faster: the reference that the C core equals bit for bit.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from tifed.rule.integer.rounding import Integers
from tifed.rule.signal.log_mel_tables import (
    BANDS,
    TRANSFORM,
    WEIGHTS,
    WINDOW,
    cosine_table,
    logarithm_table,
    place_table,
    window_table,
)

HOP = 80
"""Samples from one frame to the next: 10 ms."""
STEPS_PER_OCTAVE = 256
LEVEL_BITS = 14
"""A frame is shifted so that its largest sample has this many bits."""


def frame_energies(samples: NDArray[np.int16]) -> Integers:
    """Logarithm of each frame's energy in each band, int64 (F, 20), in 1/256 octave.

    Args:
        samples: int16 (T,) at 8 kHz, T >= 1. Less than a frame is followed by zeros; what is left
            over after the last whole frame is not looked at.
    """
    values = samples.astype(np.int64)
    if len(values) < WINDOW:
        values = np.pad(values, (0, WINDOW - len(values)))
    frames = sliding_window_view(values, WINDOW)[::HOP]
    half = np.array(window_table(), dtype=np.int64)
    window = np.concatenate([half, half[-2:0:-1]])
    level, shift = levelled((frames * window) >> 15)
    return logarithm(band_energies(*transform(level))) - 2 * STEPS_PER_OCTAVE * shift[:, np.newaxis]


def levelled(frames: Integers) -> tuple[Integers, Integers]:
    """Each frame, shifted until its largest has 14 bits, and by how much: left -1..14.

    A frame of nothing but 0 is shifted by 14.
    """
    largest = np.abs(frames).max(axis=1)
    # Bits of 0..32768, which a float of 64 bits holds exactly.
    shift = LEVEL_BITS - np.frexp(largest.astype(np.float64))[1].astype(np.int64)
    shift = np.maximum(shift, -1)
    left, right = np.maximum(shift, 0), np.maximum(-shift, 0)
    return (frames << left[:, np.newaxis]) >> right[:, np.newaxis], shift


def transform(frames: Integers) -> tuple[Integers, Integers]:
    """Real and imaginary part (F, 128) of bins 0..127 of the transform, over 256.

    A transform of real numbers, radix 2, decimation in time: the transform X of 2·m numbers comes
    from those of the numbers at even places, A, and at odd places, B. Only bins 0..m are formed,
    as the others mirror them.
    """
    padded = np.pad(frames, ((0, 0), (0, TRANSFORM - frames.shape[1])))
    return _transform(padded)


def _transform(values: Integers) -> tuple[Integers, Integers]:
    """Bins 0..m of 2·m numbers (F, 2·m); without bin m, which no band uses, of the last ones."""
    length = values.shape[1]
    if length == 1:
        return values, np.zeros_like(values)
    (even, even_imaginary), (odd, odd_imaginary) = (_transform(values[:, n::2]) for n in (0, 1))
    half = length // 2
    real, imaginary = (np.zeros((len(values), half + 1), np.int64) for _ in range(2))
    real[:, 0] = (even[:, 0] + odd[:, 0] + 1) >> 1
    real[:, half] = (even[:, 0] - odd[:, 0] + 1) >> 1
    if half > 1:
        real[:, half // 2] = (even[:, half // 2] + 1) >> 1
        imaginary[:, half // 2] = (1 - odd[:, half // 2]) >> 1
    cosines = np.array(cosine_table(), dtype=np.int64)
    for k in range(1, half // 2):
        angle = k * TRANSFORM // length
        c, s = cosines[angle], cosines[TRANSFORM // 4 - angle]  # of a twiddle factor c - i·s
        b, b_imaginary = odd[:, k], odd_imaginary[:, k]
        t = (b * c + b_imaginary * s + (1 << 14)) >> 15
        t_imaginary = (b_imaginary * c - b * s + (1 << 14)) >> 15
        real[:, k] = (even[:, k] + t + 1) >> 1
        real[:, half - k] = (even[:, k] - t + 1) >> 1
        imaginary[:, k] = (even_imaginary[:, k] + t_imaginary + 1) >> 1
        imaginary[:, half - k] = (t_imaginary - even_imaginary[:, k] + 1) >> 1
    return real, imaginary


def band_energies(real: Integers, imaginary: Integers) -> Integers:
    """Energy (F, 20) of the bands: the squares of the bins, weighted with 0..8."""
    power = real * real + imaginary * imaginary
    bands = np.zeros((len(power), BANDS + 2), np.int64)
    for number, place in enumerate(place_table()):
        segment, passed = divmod(place, WEIGHTS)
        bands[:, segment + 1] += power[:, number] * passed
        bands[:, segment] += power[:, number] * (WEIGHTS - passed)  # of segment 0: below all bands
    return bands[:, 1 : BANDS + 1]


def logarithm(bands: Integers) -> Integers:
    """Binary logarithm of energy + 2, in 1/256 octave: whole octaves and a table of 128 parts."""
    energy = bands + 2
    octave = np.zeros_like(energy)
    for bit in range(1, 33):
        octave[energy >> bit > 0] = bit
    left, right = np.maximum(7 - octave, 0), np.maximum(octave - 7, 0)
    table = np.array(logarithm_table(), dtype=np.int64)
    result: Integers = STEPS_PER_OCTAVE * octave + table[(energy << left >> right) - 128]
    return result
