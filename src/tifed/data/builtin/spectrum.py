"""A recording as a small fixed number of integers: log energies of bands over slices of time."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

RATE = 8000  # samples per second
BANDS = 20
SLICES = 16

_WINDOW = 200  # samples: 25 ms
_HOP = 80  # samples: 10 ms
_TRANSFORM = 256
_LOWEST, _HIGHEST = 100.0, 4000.0  # Hz
_STEPS_PER_OCTAVE = 256
_SILENCE = 1e-8  # energy added to each band, so that silence has a logarithm


def band_energies(waveform: NDArray[np.int16]) -> NDArray[np.int64]:
    """Spectral features of one recording, whatever its length.

    Frames of 25 ms every 10 ms; power in 20 triangular mel bands from 100 Hz to 4 kHz; its binary
    logarithm in steps of 1/256 octave; the mean over each of 16 equal slices of the recording; less
    the recording's mean, so that loudness does not count.

    The logarithm is rounded once and all that follows is integer. Two mathematics libraries whose
    logarithms differ in the last bit so give the same features unless a value lies within about
    1e-13 of a rounding boundary: not one is expected among the some millions of a data set. Should
    it happen, `Dataset.digest` shows it.

    Args:
        waveform: int16 (T,) at 8 kHz, T >= 1.

    Returns:
        int64 (320,), slice by slice, in 1/256 octave of energy, about -5000..5000.
    """
    slices = _slices(_frame_energies(waveform))
    centred: NDArray[np.int64] = slices - slices.sum() // slices.size
    return centred.ravel()


def band_patch(waveform: NDArray[np.int16], frames: int) -> NDArray[np.int64]:
    """A picture of the middle of one recording, time down and frequency across.

    Frames and bands are those of `band_energies`, but time keeps its pace: each row is the mean of
    two frames, 20 ms, whatever the recording's length. A recording that is too short has rows of
    its own quietest value before and after it. All less the mean of the frames.

    Args:
        waveform: int16 (T,) at 8 kHz, T >= 1.
        frames: rows, 1 or more.

    Returns:
        int64 (frames * 20,), row by row, in 1/256 octave of energy.
    """
    steps = _frame_energies(waveform)
    steps = steps - steps.sum() // steps.size
    missing = max(0, 2 * frames - len(steps))
    padding = ((missing // 2, missing - missing // 2), (0, 0))
    padded = np.pad(steps, padding, constant_values=int(steps.min()))
    first = (len(padded) - 2 * frames) // 2
    pairs = padded[first : first + 2 * frames].reshape(frames, 2, BANDS)
    rows: NDArray[np.int64] = pairs.sum(axis=1) >> 1
    return rows.ravel()


def _frame_energies(waveform: NDArray[np.int16]) -> NDArray[np.int64]:
    """Logarithm of each frame's energy in each band, int64 (F, bands), 1/256 octave."""
    from scipy import fft, signal  # late: most data sets need neither

    samples = waveform.astype(np.float64) / 32768
    if len(samples) < _WINDOW:
        samples = np.pad(samples, (0, _WINDOW - len(samples)))
    frames = np.lib.stride_tricks.sliding_window_view(samples, _WINDOW)[::_HOP]
    spectrum = fft.rfft(frames * signal.get_window("hann", _WINDOW), _TRANSFORM)
    # Added up band by band in a fixed order: a matrix product may add in any.
    power = np.abs(spectrum) ** 2
    bands = np.stack(
        [(power[:, first:last] * weights).sum(axis=1) for first, last, weights in _filters()],
        axis=1,
    )
    steps: NDArray[np.int64] = np.rint(np.log2(bands + _SILENCE) * _STEPS_PER_OCTAVE).astype(
        np.int64
    )
    return steps


@cache
def _filters() -> list[tuple[int, int, NDArray[np.float64]]]:
    """For each band: first bin, bin after the last, and the weights between them."""
    mels = np.linspace(_mel(_LOWEST), _mel(_HIGHEST), BANDS + 2)
    edges = 700 * (10 ** (mels / 2595) - 1)
    hertz = np.arange(_TRANSFORM // 2 + 1) * RATE / _TRANSFORM
    filters = []
    for low, centre, high in zip(edges[:-2], edges[1:-1], edges[2:], strict=True):
        rise, fall = (hertz - low) / (centre - low), (high - hertz) / (high - centre)
        weights = np.maximum(np.minimum(rise, fall), 0)
        inside = np.flatnonzero(weights)
        first, last = int(inside[0]), int(inside[-1]) + 1
        filters.append((first, last, weights[first:last]))
    return filters


def _mel(hertz: float) -> float:
    """Frequency on the mel scale."""
    return float(2595 * np.log10(1 + hertz / 700))


def _slices(steps: NDArray[np.int64]) -> NDArray[np.int64]:
    """Mean of the frames (F, bands) in each of 16 equal slices of time, at least one frame each."""
    frames = len(steps)
    edges = np.arange(SLICES + 1) * frames
    firsts = edges[:-1] // SLICES
    lasts = np.maximum(-(-edges[1:] // SLICES), firsts + 1)
    sums = np.vstack([np.zeros((1, steps.shape[1]), np.int64), steps.cumsum(axis=0)])
    means: NDArray[np.int64] = (sums[lasts] - sums[firsts]) // (lasts - firsts)[:, None]
    return means
