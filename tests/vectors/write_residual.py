"""Write residual.txt: what goes up of changes and what is left of them, for tests of the C.

Whitespace-separated integers: the number of cases, then each case in the order of `case_numbers`.
Run it again when the arithmetic's specification changes, and say so in SPEC.md.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tifed.rule.compression import RESIDUAL_TOP, Change, with_residual
from tifed.rule.compression.change import LARGEST_SHIFT
from tifed.rule.compression.residual import unit_for
from tifed.rule.integer.rounding import Integers

PATH = Path(__file__).with_name("residual.txt")
CASES, EXCHANGES = 36, 4
TOPS = (1, 7, 127)


def any_weights(rng: np.random.Generator, bound: int, shape: tuple[int, int]) -> Integers:
    """From all of their range, the ends of which come often."""
    values = rng.integers(-bound, bound + 1, shape)
    return np.where(rng.random(shape) < 0.2, rng.choice([-bound, bound], shape), values)


def moved(
    rng: np.random.Generator, sent: Integers, residual: NDArray[np.int8], change: Change, bound: int
) -> Integers:
    """Weights that have moved a little, far, or to where a number or a residual begins."""
    assert change.unit is not None
    kinds = rng.integers(0, 3, sent.shape)
    near = sent + rng.integers(-3 << change.shift, (3 << change.shift) + 1, sent.shape)
    edge = rng.integers(-change.top - 1, change.top + 2, sent.shape) << change.shift
    at_edge = sent + edge - (residual.astype(np.int64) << change.unit)
    at_edge += rng.integers(-1, 2, sent.shape)
    far = any_weights(rng, bound, (sent.shape[0], sent.shape[1]))
    return np.clip(np.choose(kinds, [near, at_edge, far]), -bound, bound)


def case_numbers(case: int) -> list[int]:
    """One case: weight bits, shape, top, shift, unit; residuals; exchanges.

    An exchange is every weight as it was sent, as it was trained, what goes up, what is left.
    """
    rng = np.random.default_rng(case)
    bits, largest = 8 * (1 + case % 2), case % (LARGEST_SHIFT + 1)
    bound = (1 << bits - 1) - 1
    change = Change(
        TOPS[case // 2 % 3], max(largest - case % 4, 0), unit=unit_for(largest)
    )  # fmt: skip
    shape = (int(rng.integers(1, 8)), int(rng.integers(2, 6)))
    residual = any_weights(rng, RESIDUAL_TOP, shape).astype(np.int8)
    numbers = [bits, *shape, change.top, change.shift, change.unit or 0]
    numbers += [*residual.ravel().tolist(), EXCHANGES]
    for _ in range(EXCHANGES):
        sent = any_weights(rng, bound, shape)
        trained = moved(rng, sent, residual, change, bound)
        q, residual = with_residual(sent, trained, residual, change)
        for one in zip(
            *(its.ravel().tolist() for its in (sent, trained, q, residual)), strict=True
        ):
            numbers += one
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
