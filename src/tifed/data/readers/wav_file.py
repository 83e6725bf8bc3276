"""One recording."""

import math
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tifed.errors import UsageError
from tifed.rule.signal.log_mel_tables import RATE

_MOST_BYTES = 1 << 26  # half an hour and more


def waveform_of(path: Path, *, any_rate: bool = False) -> NDArray[np.int16]:
    """The samples of a WAV file, mono and 16 bits.

    Args:
        path: the file.
        any_rate: whether it may have more than 8,000 samples per second; it is filtered (in
            floating point) and has 8,000 afterwards.

    Returns:
        int16 (T,) at 8 kHz, T >= 1.

    Raises:
        UsageError: if it cannot be read or is of another kind.
    """
    from scipy.io import wavfile  # late: most data sets do not need it

    try:
        if (size := path.stat().st_size) > _MOST_BYTES:
            raise UsageError(
                f"{path}: has {size} bytes; {_MOST_BYTES} are the most, cut it into recordings of "
                "one class each"
            )
        with warnings.catch_warnings():
            # A cut file is only warned of. Foreign chunks, such as a title, are harmless.
            warnings.simplefilter("error", wavfile.WavFileWarning)
            warnings.filterwarnings("ignore", r"Chunk \(non-data\) not understood")
            rate, waveform = wavfile.read(path)
    except UsageError:
        raise
    except Exception as error:  # the reader lets struct.error and others escape
        raise UsageError(f"{path}: is no readable WAV file ({error}); fetch it again") from error
    right = rate == RATE or (any_rate and RATE < rate <= 24 * RATE)
    if not right or waveform.dtype != np.int16 or waveform.ndim != 1 or not len(waveform):
        raise UsageError(
            f"{path}: must be mono, 16 bits, {RATE} samples per second{' or more' * any_rate} and "
            f"not empty, not {waveform.dtype} of shape {waveform.shape} at {rate}; convert it"
        )
    if rate != RATE:
        return _slower(waveform, rate)
    result: NDArray[np.int16] = waveform
    return result


def _slower(waveform: NDArray[np.int16], rate: int) -> NDArray[np.int16]:
    """At 8 kHz, without what lies above 4 kHz."""
    from scipy import signal

    common = math.gcd(RATE, rate)
    slow = signal.resample_poly(waveform.astype(np.float64), RATE // common, rate // common)
    result: NDArray[np.int16] = np.clip(np.rint(slow), -(1 << 15), (1 << 15) - 1).astype(np.int16)
    return result
