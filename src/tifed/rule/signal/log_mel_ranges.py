"""Why no value of log-mel energies overflows (SPEC, section 19.4)."""

import math

from tifed.rule.network.value_ranges import Range
from tifed.rule.signal.log_mel import FEATURE_SHIFT, MOST_FRAMES
from tifed.rule.signal.log_mel_frames import LEVEL_BITS, STEPS_PER_OCTAVE
from tifed.rule.signal.log_mel_pictures import SLICES
from tifed.rule.signal.log_mel_tables import BANDS, TRANSFORM, WEIGHTS

_SAMPLE = 1 << 15
_LEVEL = 1 << LEVEL_BITS
_ERROR = 10
"""What eight stages of the transform can be wrong by, as a distance in the plane: 1.24 each."""
_TWIDDLE, _HALF = (1 << 15) + 1, 1 << 14
"""How long a rounded twiddle factor can be, and what is added before its product is shifted."""
_BINS = TRANSFORM // 2 - 1
BAND = (1 << 30) - 3
"""No band has more energy: the squares of bins 1 to 127 come to less than 2^30 / 8 together."""
_LOUDEST = STEPS_PER_OCTAVE * 30 - 1 + 2 * STEPS_PER_OCTAVE
_QUIETEST = STEPS_PER_OCTAVE - 2 * STEPS_PER_OCTAVE * LEVEL_BITS


def most_energy() -> int:
    """What all bins of a frame come to at most, 0..8 times each: Parseval's theorem, and errors.

    The squares of bins 1..127 are at most half of those of the 200 samples, over 256; the error of
    127 bins adds to their root.
    """
    exact = (200 * _LEVEL * _LEVEL) // (2 * TRANSFORM)
    root = math.isqrt(exact) + 1 + (math.isqrt(_BINS) + 1) * _ERROR
    return WEIGHTS * root * root


def log_mel_ranges() -> tuple[Range, ...]:
    """Every intermediate's worst case, over all recordings."""
    slice_frames = MOST_FRAMES // SLICES + 2
    spread = _LOUDEST - _QUIETEST
    inside = _LEVEL + _ERROR
    rows = (
        ("sample", -_SAMPLE, _SAMPLE - 1, 16, "int16 by format"),
        ("windowed product", -_SAMPLE * _SAMPLE, _SAMPLE * (_SAMPLE - 1), 32, "sample · window"),
        ("windowed sample", -_SAMPLE, _SAMPLE - 1, 16, "product >> 15"),
        ("levelled sample", -_LEVEL, _LEVEL, 16, "largest of the frame shifted to 14 bits"),
        ("part of a bin", -inside, inside, 16, f"average of two, wrong by {_ERROR} at most"),
        ("twiddled", -inside * _TWIDDLE, inside * _TWIDDLE + _HALF, 32, "a bin turned, and a half"),
        ("square of a bin", 0, inside * inside, 32, "of both parts together"),
        ("energy of a band", 0, most_energy(), 32, "Parseval: half of the frame's, 8 times"),
        ("log energy", _QUIETEST, _LOUDEST, 16, "256 a power of two, less 512 a shift"),
        ("sum of a slice", slice_frames * _QUIETEST, slice_frames * _LOUDEST, 32,
         f"of {slice_frames} frames at most"),
        ("sum of all", MOST_FRAMES * BANDS * _QUIETEST, MOST_FRAMES * BANDS * _LOUDEST, 32,
         f"of a picture's frames, {MOST_FRAMES} at most"),
        ("centred", -spread, spread, 16, "less the mean"),
        ("feature", -128, 127, 8, f"centred >> {FEATURE_SHIFT}, saturated"),
    )  # fmt: skip
    return tuple(Range(None, *row) for row in rows)
