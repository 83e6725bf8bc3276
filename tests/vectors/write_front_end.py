"""Write front_end.txt: front ends of random shapes with the oracle's features, for tests of the C.

Whitespace-separated integers: the number of cases, then each case in the order of `case_numbers`.
Run it again when the arithmetic's specification changes, and say so in SPEC.md.
"""

from pathlib import Path

import numpy as np

from tifed.rule.front_end import EDGE_FRONT_ENDS, FrontEnd, features, front_end_memory

PATH = Path(__file__).with_name("front_end.txt")
CASES = 32


def random_front_end(seed: int) -> FrontEnd:
    """Each name in turn; the smallest pictures, then others, every fifth in colour."""
    rng = np.random.default_rng(seed)
    height, width = (4, 4) if seed < len(EDGE_FRONT_ENDS) else rng.integers(4, 16, 2).tolist()
    return FrontEnd(
        list(EDGE_FRONT_ENDS)[seed % len(EDGE_FRONT_ENDS)], (height, width, 1 + seed % 5 // 4 * 2)
    )


def case_numbers(seed: int) -> list[int]:
    """One case: a front end in the layout of C, its sizes, samples, and the oracle's features."""
    front_end = random_front_end(seed)
    rng = np.random.default_rng(seed + 1000)
    samples = rng.integers(-128, 128, (4, front_end.input_features)).astype(np.int8)
    samples[1] = rng.choice([-128, 127], samples.shape[1])
    samples[2] = samples[2] // 32 - 100  # faint
    pixels = rng.random(front_end.input_features // front_end.input_shape[2]) < 0.04
    samples[3] = np.repeat(np.where(pixels, 127, -128), front_end.input_shape[2])  # alone, so loud
    parts, memory = front_end.parts, front_end_memory(front_end)
    numbers = [*front_end.input_shape, parts.directions, int(parts.merged), int(parts.second_order)]
    numbers += [memory.total - memory.place, front_end.features, len(samples)]
    return numbers + samples.ravel().tolist() + features(front_end, samples).ravel().tolist()


def text() -> str:
    """The whole file."""
    lines = [str(CASES)]
    for seed in range(CASES):
        numbers = case_numbers(seed)
        lines += [" ".join(map(str, numbers[at : at + 24])) for at in range(0, len(numbers), 24)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PATH.write_text(text(), encoding="ascii")
