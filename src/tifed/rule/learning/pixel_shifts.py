"""Shift copies: a picture as it is, or moved by one pixel, chosen anew at each visit (SPEC, 15)."""

import numpy as np
from numpy.typing import NDArray

from tifed.rule.integer import Purpose, below, stream_key
from tifed.rule.integer.rounding import Integers

SHIFTS = ((0, 0), (0, -1), (0, 1), (-1, 0), (1, 0))
"""Rows down and columns to the right by which each copy is moved: none, left, right, up, down."""
EMPTY = -128
"""What enters at the border: the sample that stands for a pixel of 0."""

_WORD = 0xFFFFFFFF


def shifted(samples: NDArray[np.int8], shape: tuple[int, int, int], copy: int) -> NDArray[np.int8]:
    """Copy number ``copy`` of every sample.

    Args:
        samples: int8 (N, height·width·channels), in the order row, column, channel.
        shape: height, width and channels.
        copy: 0..len(SHIFTS)-1.

    Returns:
        int8 (N, height·width·channels).

    >>> shifted(np.array([[1, 2, 3, 4]], np.int8), (2, 2, 1), 1).tolist()
    [[2, -128, 4, -128]]
    """
    down, right = SHIFTS[copy]
    height, width, _ = shape
    pictures = samples.reshape(len(samples), *shape)
    padded = np.pad(pictures, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=EMPTY)
    moved = padded[:, 1 - down : 1 - down + height, 1 - right : 1 - right + width]
    return np.ascontiguousarray(moved.reshape(samples.shape))


def visited(
    samples: NDArray[np.int8], seed: int, device: int, exchange: int, visit: int
) -> NDArray[np.int8]:
    """A buffer (N, D) as one visit sees it.

    Args:
        samples: int8 (N, D), or (copies, N, D), of which the visit takes one of each.
        seed: of the experiment; for it and the others see `chosen_copies`.
        device: logical number of the device.
        exchange: number of the exchange.
        visit: number of the pass over the buffer.
    """
    if samples.ndim == 2:
        return samples
    copies, count, _ = samples.shape
    chosen = chosen_copies(seed, device, exchange, visit, count, copies)
    return samples[chosen, np.arange(count)]


def chosen_copies(
    seed: int, device: int, exchange: int, visit: int, samples: int, copies: int
) -> Integers:
    """Which copy of each sample in a buffer a device takes when it visits it.

    Args:
        seed: of the experiment.
        device: logical number of the device.
        exchange: number of the exchange.
        visit: how often the buffer was gone through before, counted from its first step.
        samples: in the buffer.
        copies: of each sample, how many there are.

    Returns:
        int64 (samples,), each 0..copies-1.
    """
    key = stream_key(seed, Purpose.COPY, device, exchange)
    numbers = (visit * samples + np.arange(samples, dtype=np.int64)) & _WORD
    return below(key, numbers, copies)
