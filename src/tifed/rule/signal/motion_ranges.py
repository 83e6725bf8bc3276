"""The proven worst case of every value that the motion front end can form (SPEC, section 18.3)."""

import math

from tifed.rule.network.value_ranges import Range
from tifed.rule.signal.motion import MotionFrontEnd
from tifed.rule.signal.motion_oracle import (
    COUNTED,
    FAR,
    LAG,
    LEAST_CHANGE,
    RECIPROCAL,
    SCALED_MOST,
    STRIDE,
)

READING = 1 << 15
APART = 2 * READING - 1
"""The most by which two readings, or a reading and a mean of some, can differ."""


def motion_ranges(front_end: MotionFrontEnd) -> tuple[Range, ...]:
    """Every intermediate's proven worst case, in the order in which the values are formed."""
    window = front_end.window
    squares = 3 * (READING >> 2) ** 2
    length = 2 * math.isqrt(squares)
    product = SCALED_MOST**2
    lag, changes = window - LAG, window // STRIDE - 1
    rows = [("reading", -READING, READING - 1, 16, "int16 by format")]
    if front_end.magnitudes:
        rows += [
            ("sum of squares", 0, squares, 32, "3 readings, each >> 2"),
            ("length of a vector", 0, length, 16, "2 · square root of the sum"),
        ]
    rows += [
        ("sum", -READING * window, (READING - 1) * window, 32, f"{window} readings"),
        ("mean", -READING, READING - 1, 16, f"sum / {window}"),
        ("difference from the mean", -APART, APART, 32, "reading - mean"),
        ("sum of differences · 16", 0, APART * window << 4, 32, f"{window} of them"),
        ("spread", 0, APART << 4, 32, f"sum of differences · 16 / {window}"),
        ("sum of changes · 16", 0, APART * (window - 1) << 4, 32, f"{window - 1} differences"),
        ("reciprocal", 0, RECIPROCAL // LEAST_CHANGE, 32, f"48 << 22 / {LEAST_CHANGE} at most"),
        ("near", 0, FAR * APART, 32, f"at most {FAR} deviations"),
        ("near · reciprocal", 0, FAR * RECIPROCAL, 32, f"{FAR} · (48 << 22)"),
        ("scaled reading", -SCALED_MOST, SCALED_MOST, 8, "saturates"),
        ("sum of a block", -READING * 8, (READING - 1) * 8, 32, "8 readings"),
        ("logarithm", 0, 16 * 19 + 15, 16, "of a spread or change below 2^20"),
        ("count · 512", 0, COUNTED * window, 32, f"{window} at most"),
        ("sum of products", -product * window, product * window, 32, f"{window} products"),
        ("lead", -2 * product * lag, 2 * product * lag, 32, f"{lag} products less {lag}"),
        ("sum of changes' products", -product * changes, product * changes, 32, f"{changes}"),
        ("feature", -127, 127, 8, "saturates"),
    ]
    return tuple(Range(None, *row) for row in rows)
