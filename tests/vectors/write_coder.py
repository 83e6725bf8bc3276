"""Write coder.txt: numbers, the frames that they are cut into, and bytes that are none, for C.

Whitespace-separated integers: the number of cases, then each case in the order of `case_numbers`.
Run it again when the coder's specification changes, and say so in SPEC.md.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tifed.rule.compression.coder import MAX_BITS, START, Frame, FrameError, decode, frames

PATH = Path(__file__).with_name("coder.txt")
CASES = 45


def numbers_of(rng: np.random.Generator, bits: int, count: int) -> NDArray[np.int64]:
    """Any: few or many of them 0, the others of every length or all long."""
    lengths = rng.integers(1, bits + 1, count)
    if rng.random() < 0.3:
        lengths[:] = bits
    magnitudes = rng.integers(1 << (lengths - 1), 1 << lengths)
    if rng.random() < 0.2:
        magnitudes[:] = (1 << bits) - 1
    zero = rng.random(count) < rng.choice([0, 0.3, 0.7, 0.95, 1])
    q: NDArray[np.int64] = np.where(zero, 0, magnitudes * rng.choice([-1, 1], count))
    return q


def accepted(frame: Frame) -> bool:
    """Whether the oracle decodes it."""
    try:
        decode(frame)
    except FrameError:
        return False
    return True


def damaged(rng: np.random.Generator, frame: Frame) -> bytes:
    """Bytes like those of a frame, or any that are few enough to be one by chance."""
    data = bytearray(frame.data)
    match rng.integers(4):
        case 0 if data:
            data[rng.integers(len(data))] ^= 1 << rng.integers(8)
        case 1:
            data = data[: rng.integers(len(data) + 1)]
        case 2:
            data += bytes(rng.integers(0, 2, rng.integers(1, 6)).astype(np.uint8))
        case _:
            data = bytearray(rng.choice([0, 255, 17], rng.integers(6)).astype(np.uint8).tobytes())
    return bytes(data)


def case_numbers(case: int) -> list[int]:
    """One case: bits, start, capacity, numbers; frames; then bytes and whether they are a frame."""
    rng = np.random.default_rng(case)
    bits = case % MAX_BITS + 1
    start = START if case < MAX_BITS else int(rng.integers(1 << 16))
    capacity = 3 * bits + int(rng.integers(60))
    q = numbers_of(rng, bits, int(rng.integers(1, 400 // bits)))
    cut = frames(q, bits, start, capacity)
    numbers = [bits, start, capacity, len(q), *q.tolist(), len(cut)]
    for frame in cut:
        numbers += [frame.start, frame.count, len(frame.data), *frame.data]
    numbers.append(30)
    for _ in range(30):
        data = damaged(rng, cut[0])
        count = cut[0].count if rng.random() < 0.5 else int(rng.integers(12))
        whole = accepted(Frame(data, count, bits, start))
        numbers += [count, len(data), *data, int(whole)]
    return numbers


def text() -> str:
    """The whole file."""
    lines = [str(CASES)]
    for case in range(CASES):
        numbers = case_numbers(case)
        lines += [" ".join(map(str, numbers[at : at + 24])) for at in range(0, len(numbers), 24)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PATH.write_text(text(), encoding="ascii")
