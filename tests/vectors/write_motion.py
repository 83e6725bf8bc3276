"""Write motion.txt: the motion front end of random shapes with the oracle's features, for the C.

Whitespace-separated integers: the number of cases, then each case in the order of `case_numbers`.
Run it again when the arithmetic's specification changes, and say so in SPEC.md.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tifed.rule.signal.motion import MotionFrontEnd

PATH = Path(__file__).with_name("motion.txt")
CASES = 18
KINDS = 6
SHAPES = ((6, 32), (3, 64), (1, 16), (2, 17), (4, 19), (7, 24), (12, 16), (3, 100), (1, 256))


def readings(kind: int, times: int, axes: int, rng: np.random.Generator) -> NDArray[np.int16]:
    """Readings int16 (times, axes): noise, extremes, rest, movement, a jump, the largest means."""
    t = np.arange(times)[:, np.newaxis]
    swing = np.abs((t * rng.integers(1, 9, axes) + rng.integers(0, 64, axes)) % 64 - 32) - 16
    made = (
        rng.integers(-32768, 32768, (times, axes)),
        rng.choice([-32768, 32767], (times, axes)),
        rng.integers(-4, 5, (times, axes)) + 4096,
        swing * rng.integers(1, 2000, axes),
        np.where(t < times // 2, -32768, 32767) + np.zeros((1, axes), int),
        np.full((times, axes), rng.choice([-32768, 32767])),
    )[kind % KINDS]
    return made.astype(np.int16)


def case_numbers(seed: int) -> list[int]:
    """One case: the front end in the layout of C, and whether it is worn on the other side.

    Sizes, readings, and the features of the two windows that become due follow.
    """
    rng = np.random.default_rng(seed)
    axes, window = SHAPES[seed % len(SHAPES)]
    hop = int(rng.integers(1, window + 9))
    mirrored = tuple(axis for axis in range(axes) if rng.random() < 0.4)
    front_end = MotionFrontEnd(axes, window, mirrored, hop=hop)
    worn = seed % 2
    times = window + hop
    all_readings = readings(seed, times, axes, rng)
    seen = front_end.mirror(all_readings) if worn else all_readings
    features = [front_end.compute(seen[at : at + window]) for at in (0, hop)]
    numbers = [axes, window, hop, sum(1 << axis for axis in mirrored), worn]
    numbers += [front_end.memory, front_end.features, times, *all_readings.ravel().tolist()]
    return [*numbers, *np.concatenate(features).tolist()]


def text() -> str:
    """The whole file."""
    lines = [str(CASES)]
    for seed in range(CASES):
        numbers = case_numbers(seed)
        lines += [" ".join(map(str, numbers[at : at + 24])) for at in range(0, len(numbers), 24)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PATH.write_text(text(), encoding="ascii")
