"""The front end of a motion sensor, executable: the reference that the C core equals bit for bit.

Written to be read, in int64 (SPEC, section 18). Channels are arrays (N, channels, times).
"""

import numpy as np
from numpy.typing import NDArray

from tifed.rule.integer.rounding import Integers
from tifed.rule.signal.motion import MotionFrontEnd

SCALED = 48
"""What the mean deviation of a channel becomes."""
SCALED_MOST = 127
RECIPROCAL_BITS = 22
RECIPROCAL = SCALED << RECIPROCAL_BITS
FAR = 3
"""Deviations of more than this many mean deviations are saturated in any case."""
LEAST_DEVIATION, LEAST_CHANGE = 8, 4
"""Below these a channel counts as at rest: its noise is not made as loud as movement."""
BLOCK, BLOCK_SHIFT = 8, 3
LAG = 8
STRIDE, STRIDE_SHIFT = 4, 2
MEAN_SHIFT = 6
SPREAD_ZERO, CHANGE_ZERO, COUNT_ZERO = 400, 392, 100
COUNTED = 512
TOGETHER, LEAD, SKEW = 40, 32, 16
SOME = 128
"""Windows at a time: only bounds the memory."""


def features(front_end: MotionFrontEnd, windows: NDArray[np.int16]) -> NDArray[np.int8]:
    """Features int8 (N, F) of windows int16 (N, window, axes)."""
    found = np.empty((len(windows), front_end.features), np.int8)
    for first in range(0, len(windows), SOME):
        axes = windows[first : first + SOME].astype(np.int64).transpose(0, 2, 1)
        found[first : first + SOME] = _of_axes(front_end, axes)
    return found


def _of_axes(front_end: MotionFrontEnd, axes: Integers) -> Integers:
    """Features (N, F) of axes (N, axes, window)."""
    length = front_end.window
    x = np.concatenate([axes, magnitudes(axes, front_end.magnitudes)], axis=1)
    mean = x.sum(axis=2) // length
    away = x - mean[..., np.newaxis]
    spread = (np.abs(away).sum(axis=2) << 4) // length
    change = (np.abs(np.diff(x, axis=2)).sum(axis=2) << 4) // (length - 1)
    z = scaled(away, np.maximum(spread >> 4, LEAST_DEVIATION))
    means = x[..., : front_end.blocks * BLOCK].reshape(*x.shape[:2], -1, BLOCK)
    ordered = np.sort(means.sum(axis=3) >> BLOCK_SHIFT, axis=2)
    places = quantile_places(front_end.blocks)
    pairs = front_end.pairs
    first, second = [i for i, _ in pairs], [j for _, j in pairs]
    steps = np.diff(axes[..., : length // STRIDE * STRIDE : STRIDE], axis=2)
    count = steps.shape[2]
    step = np.abs(steps).sum(axis=2) // count
    w = scaled(steps, np.maximum(step, LEAST_CHANGE))
    lag = length - LAG
    ahead = (z[:, first, :lag] * z[:, second, LAG:]).sum(axis=2)
    behind = (z[:, second, :lag] * z[:, first, LAG:]).sum(axis=2)
    parts = (
        mean >> MEAN_SHIFT,
        *(ordered[..., place] >> MEAN_SHIFT for place in places),
        2 * logarithm(spread) - SPREAD_ZERO,
        2 * logarithm(change) - CHANGE_ZERO,
        (z > SCALED).sum(axis=2) * COUNTED // length - COUNT_ZERO,
        (z < -SCALED).sum(axis=2) * COUNTED // length - COUNT_ZERO,
        (z * np.abs(z)).sum(axis=2) // (SKEW * length),
        (z[:, first] * z[:, second]).sum(axis=2) // (TOGETHER * length),
        (ahead - behind) // (LEAD * lag),
        (w[:, first] * w[:, second]).sum(axis=2) // (TOGETHER * count),
    )
    limited: Integers = np.clip(np.concatenate(parts, axis=1), -127, 127)
    return limited


def magnitudes(axes: Integers, count: int) -> Integers:
    """Lengths (N, count, times) of the vectors of each three axes (N, axes, times) in a row."""
    of_three = (axes[:, : 3 * count] >> 2).reshape(len(axes), count, 3, axes.shape[2])
    return 2 * square_root((of_three**2).sum(axis=2))


def square_root(squares: Integers) -> Integers:
    """The largest whole number whose square is not larger, of 0..2^28 - 1."""
    root = np.zeros_like(squares)
    for bit in reversed(range(14)):
        more = root | 1 << bit
        root = np.where(more * more <= squares, more, root)
    return root


def scaled(away: Integers, deviation: Integers) -> Integers:
    """Deviations (N, channels, times) in units of a 48th of the channel's mean: -127..127."""
    deviation = deviation[..., np.newaxis]
    near = np.minimum(np.abs(away), FAR * deviation)
    units = np.minimum(near * (RECIPROCAL // deviation) >> RECIPROCAL_BITS, SCALED_MOST)
    z: Integers = np.where(away < 0, -units, units)
    return z


def logarithm(values: Integers) -> Integers:
    """Sixteenths of an octave above 1, linear within an octave, of values below 2^28."""
    v = np.maximum(values, 1)
    exponent = np.zeros_like(v)
    for bit in range(1, 28):
        exponent += v >= 1 << bit
    up, down = np.maximum(4 - exponent, 0), np.maximum(exponent - 4, 0)
    part = v << up >> down
    octaves: Integers = 16 * exponent + part - 16
    return octaves


def quantile_places(blocks: int) -> tuple[int, int, int]:
    """Where in sorted blocks a tenth, a half and nine tenths are.

    >>> quantile_places(32), quantile_places(16), quantile_places(2)
    ((3, 16, 28), (1, 8, 14), (0, 1, 1))
    """
    return blocks // 10, blocks // 2, 9 * blocks // 10
