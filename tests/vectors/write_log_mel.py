"""Write log_mel.txt: log-mel energies of recordings, for tests of the C.

Whitespace-separated integers: the number of cases, then each case in the order of `case_numbers`.
Run it again when the arithmetic's specification changes, and say so in SPEC.md.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tifed.rule.signal.log_mel import LogMel, frames_of
from tifed.rule.signal.log_mel_frames import HOP
from tifed.rule.signal.log_mel_tables import WINDOW

PATH = Path(__file__).with_name("log_mel.txt")
CASES = 24
FULL = -8
"""What the core says if a recording becomes longer than there is room for."""


def recording(case: int, length: int, rng: np.random.Generator) -> NDArray[np.int16]:
    """Sounds of many kinds: noise, the loudest there is, silence, next to it, tones, a word."""
    lowest, highest = -(1 << 15), (1 << 15) - 1
    kinds = (
        rng.integers(lowest, highest + 1, length),
        rng.choice([lowest, highest], length),
        np.full(length, lowest),
        np.zeros(length),
        rng.integers(-1, 2, length),
        highest * (np.arange(length) // 4 % 2 * 2 - 1),  # 1,000 Hz
        (np.arange(length) ** 2 * 7 % 65536 - 32768) // (1 + case),  # rises
        np.where(np.abs(np.arange(length) - length // 2) < length // 5,
                 rng.integers(-3000, 3000, length), rng.integers(-9, 9, length)),
    )  # fmt: skip
    return kinds[case % len(kinds)].astype(np.int16)


def case_numbers(case: int) -> list[int]:
    """One case: about the recording, what the device says to it, its samples, its features."""
    rng = np.random.default_rng(case)
    short = (1, 199, 200, 279, 280, 281)
    length = short[case] if case < len(short) else int(rng.integers(400, 1100))
    rows = 0 if case % 3 else int(rng.integers(2, 20))
    samples = recording(case, length, rng)
    frames = frames_of(length)
    # Every seventh has no room for its last frames: features are then of those before.
    limit = max(1, frames - 2) if case % 7 == 6 else frames + case % 2
    taken = samples[: WINDOW + HOP * (limit - 1)]
    made = LogMel(rows or None).compute(taken[:, np.newaxis])
    status = FULL if limit < frames else 0
    piece = (1, 7, 256, 5000)[case % 4]
    return [length, piece, limit, rows, status, *samples.tolist(), *made.tolist()]


def text() -> str:
    """The whole file."""
    lines = [str(CASES)]
    for case in range(CASES):
        numbers = case_numbers(case)
        lines += [" ".join(map(str, numbers[at : at + 24])) for at in range(0, len(numbers), 24)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PATH.write_text(text(), encoding="ascii")
