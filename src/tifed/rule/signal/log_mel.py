"""Log-mel energies: the signal front end for sound, a recording at a time (SPEC, section 19)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tifed.errors import UsageError
from tifed.rule.integer.rounding import Integers
from tifed.rule.network.value_ranges import Range
from tifed.rule.signal.base import SignalFrontEnd
from tifed.rule.signal.log_mel_frames import HOP, frame_energies
from tifed.rule.signal.log_mel_pictures import SLICES, picture, slices, word
from tifed.rule.signal.log_mel_tables import BANDS, TRANSFORM, WINDOW

VERSION = 1
"""The version of the arithmetic, which digests contain (SPEC, section 19)."""
MOST_FRAMES = (1 << 13) - 1
"""Of a recording: 82 seconds. The sum of so many has 32 bits."""
MOST_ROWS = 1024
"""Of a picture: twenty seconds."""
FEATURE_SHIFT = 5
"""From 1/256 octave to a feature: a step of int8 is 1/8 octave."""


@dataclass(frozen=True)
class LogMel(SignalFrontEnd):
    """Log energies of 20 mel bands, over time, of one recording of 8,000 samples a second.

    Frames of 25 ms begin every 10 ms. Without ``rows`` the frames before and after the word are
    left out, and the rest is averaged over 10 equal slices of time. With ``rows``, features are a
    picture of the recording's middle at its own pace, as a convolution needs it.

    Attributes:
        rows: of 20 ms, 2..1024; None for slices.
        frames: that a device keeps at most, 1..8,191: how long its recordings can be. It decides
            what memory a device needs and no feature.

    Raises:
        UsageError: naming the argument that is wrong.
    """

    name = "log-mel"
    axes = 1

    rows: int | None = None
    frames: int = 128

    def __post_init__(self) -> None:
        if self.rows is not None and not 2 <= self.rows <= MOST_ROWS:
            raise UsageError(f"rows: {self.rows} is not in 2..{MOST_ROWS}")
        if not 1 <= self.frames <= MOST_FRAMES:
            raise UsageError(f"frames: {self.frames} is not in 1..{MOST_FRAMES}")

    @property
    def output_shape(self) -> tuple[int, int, int]:
        """Rows of time, bands, and one channel."""
        return (self.rows or SLICES, BANDS, 1)

    @property
    def description(self) -> str:
        """The text that its digest is of (SPEC, section 19.6)."""
        kind = f"slices {SLICES}" if self.rows is None else f"picture {self.rows}"
        return f"tifed-log-mel/{VERSION}\n{kind}\n"

    def compute(self, readings: NDArray[np.int16]) -> NDArray[np.int8]:
        """Features int8 (F,) of a recording, int16 (T, 1) at 8 kHz, by the oracle.

        Raises:
            UsageError: if it has another type or shape, is empty or longer than 8,191 frames.
        """
        check_recording(readings)
        energies = frame_energies(readings[:, 0])
        values = slices(word(energies)) if self.rows is None else picture(energies, self.rows)
        return features_of(values)

    def ranges(self) -> tuple[Range, ...]:
        """The proven worst case of every value (SPEC, section 19.4)."""
        from tifed.rule.signal.log_mel_ranges import log_mel_ranges

        return log_mel_ranges()

    @property
    def memory(self) -> int:
        """Bytes of ``tifed_log_mel`` and its frames, where a pointer has 32 bits."""
        return STREAM + 2 * WINDOW + 2 * TRANSFORM + 2 * BANDS * self.frames


STREAM = 12
"""Where a recording is, in the C core: a pointer, two counters, and one of a byte, padded."""


def features_of(values: Integers) -> NDArray[np.int8]:
    """Int8 (F,) of values (rows, bands) in 1/256 octave: fixed steps of 1/8 octave, saturated."""
    features: NDArray[np.int8] = np.clip(values >> FEATURE_SHIFT, -128, 127).astype(np.int8)
    return features.ravel()


def frames_of(length: int) -> int:
    """How many frames a recording of so many samples has."""
    return 1 + max(0, length - WINDOW) // HOP


def check_recording(readings: NDArray[np.int16]) -> None:
    """Make sure that it is a recording.

    Raises:
        UsageError: if not.
    """
    if readings.dtype != np.int16 or readings.ndim != 2 or readings.shape[1] != 1:
        raise UsageError(
            f"readings: {readings.dtype} {readings.shape}; log-mel takes int16 of shape (T, 1)"
        )
    if len(readings) < 1 or frames_of(len(readings)) > MOST_FRAMES:
        raise UsageError(
            f"readings: {len(readings)} samples; log-mel takes a recording of 1 to "
            f"{WINDOW + HOP * MOST_FRAMES - 1} samples, so cut it into one sample each"
        )
