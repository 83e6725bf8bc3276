"""Write shifts.txt: what training sees of random pictures with shift copies, for tests of the C.

Whitespace-separated integers: the number of cases, then each case in the order of `case_numbers`.
Run it again when the arithmetic's specification changes, and say so in SPEC.md.
"""

from pathlib import Path

import numpy as np

from tifed.rule.front_end import EDGE_FRONT_ENDS, FrontEnd, features, front_end_memory
from tifed.rule.learning.pixel_shifts import SHIFTS, chosen_copies, shifted

PATH = Path(__file__).with_name("shifts.txt")
CASES = 30
NAMES = (None, *EDGE_FRONT_ENDS)


def case_numbers(case: int) -> list[int]:
    """One case: pictures, counters, and the samples of some mini-batches one after the other."""
    rng = np.random.default_rng(case)
    name = NAMES[case % len(NAMES)]
    least = 1 if name is None else 4
    height, width = rng.integers(least, 10, 2).tolist()
    shape = (height, width, 1 + case % 4 // 3 * 2)
    seed, device, exchange = (int(rng.integers(0, 1 << bits)) for bits in (63, 20, 32))
    count, batch = int(rng.integers(1, 7)), int(rng.integers(1, 5))
    batches = -(-count // batch)
    # The last case comes to visits whose numbers begin again at 0.
    first = batches * ((1 << 32) // count - 1) if case == CASES - 1 else int(rng.integers(0, 40))
    pictures = rng.integers(-128, 128, (count, height * width * shape[2])).astype(np.int8)
    copies = np.stack([shifted(pictures, shape, copy) for copy in range(len(SHIFTS))])
    about = [0, 0, 0, 0, pictures.shape[1]]
    if name is not None:
        front_end = FrontEnd(name, shape)
        copies = np.stack([features(front_end, one) for one in copies])
        parts, memory = front_end.parts, front_end_memory(front_end)
        about = [parts.directions, int(parts.merged), int(parts.second_order)]
        about += [memory.total - memory.place, front_end.features]
    steps = range(first, first + min(2 * batches + 1, 9))
    numbers = [*shape, *about, seed & 0xFFFFFFFF, seed >> 32, device, exchange]
    numbers += [count, batch, first, len(steps), *pictures.ravel().tolist()]
    for step in steps:
        chosen = chosen_copies(seed, device, exchange, step // batches, count, len(SHIFTS))
        taken = np.arange(count)[step % batches * batch :][:batch]
        numbers += copies[chosen[taken], taken].ravel().tolist()
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
