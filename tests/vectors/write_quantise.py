"""Write quantise.txt: readings and what maps make of them, for tests of the C.

Whitespace-separated integers: the number of cases, then each case in the order of `case_numbers`.
Run it again when the arithmetic's specification changes, and say so in SPEC.md.
"""

from pathlib import Path

import numpy as np

from tifed.data import Quantisation, calibrate
from tifed.data.quantisation.on_device import device_maps
from tifed.data.quantisation.quantisation import fixed_point

PATH = Path(__file__).with_name("quantise.txt")
CASES = 40
_LEAST, _MOST = -(1 << 31), (1 << 31) - 1


def any_map(rng: np.random.Generator, features: int) -> Quantisation:
    """Constants from all of their ranges, the ends of which come often."""

    def drawn(low: int, high: int) -> tuple[int, ...]:
        values = rng.integers(low, high + 1, features)
        ends = rng.choice([low, high, low // 2, high // 2, 0], features)
        return tuple(np.where(rng.random(features) < 0.3, ends, values).tolist())

    bits = min(int(rng.integers(20, 80)), 47)  # biases of every size, many of the largest
    return Quantisation(
        "affine", (0,) * features, drawn(0, (1 << 15) - 1),
        drawn(-(1 << bits), (1 << bits) - 1), drawn(0, 31),
    )  # fmt: skip


def case_map(rng: np.random.Generator, case: int) -> Quantisation:
    """A map of a kind that the case chooses."""
    if case < 2:
        return Quantisation(("identity", "minus-128")[case])
    features = 1 if case % 4 == 0 else int(rng.integers(2, 6))
    if case % 2:
        return any_map(rng, features)
    scale = 10.0 ** rng.integers(-6, 10, features)
    table = rng.normal(rng.normal(0, 3, features), 1, (50, features)) * scale
    return calibrate(np.rint(table) if case % 8 == 2 else table)


def readings_at_edges(rng: np.random.Generator, quantisation: Quantisation) -> np.ndarray:
    """Readings (N, D): around where a level begins, where halves and 32 bits end, and any."""
    maps = device_maps(quantisation)
    columns = []
    for one in maps:
        low, high = one.range
        levels = np.linspace(low, high, 7).astype(np.int64)
        halves = (rng.integers(-(1 << 15), 1 << 15, 3) << 16) + rng.integers(-1, 2, 3)
        edges = np.concatenate([levels, halves, [_LEAST, _MOST, 0]])
        near = edges[:, None] + np.arange(-1, 2)
        drawn = rng.integers(_LEAST, _MOST + 1, 9)
        columns.append(np.clip(np.append(near, drawn), _LEAST, _MOST))
    return np.stack(columns, axis=1)


def case_numbers(case: int) -> list[int]:
    """One case: a map, some samples and their levels, and numbers put to fixed point."""
    rng = np.random.default_rng(case)
    quantisation = case_map(rng, case)
    maps, readings = device_maps(quantisation), readings_at_edges(rng, quantisation)
    constants = [
        constant
        for one in maps
        for constant in (one.bias_high, one.bias_low, one.multiplier, one.shift)
    ]
    shared = len(maps) == 1 and case % 3 < 2
    if shared:
        readings = readings.reshape(-1, 2)
    # Readings are in fixed point already.
    whole = quantisation
    if quantisation.kind == "affine":
        whole = Quantisation(
            "affine", (0,) * len(maps), quantisation.multiplier, quantisation.bias,
            quantisation.shift,
        )  # fmt: skip
    levels = whole.apply(readings)
    numbers = [len(maps), int(shared), readings.shape[1], len(readings), *constants]
    for sample, made in zip(readings.tolist(), levels.tolist(), strict=True):
        numbers += [*sample, *made]
    bits = rng.integers(-64, 65, 24)
    bits[:16] = rng.integers(-33, 33, 16)
    drawn = rng.integers(_LEAST, _MOST + 1, 24) >> rng.integers(0, 32, 24)
    # Ties, and the ends.
    drawn[:6] = (2 * rng.integers(-50, 50, 6) + 1) << np.maximum(-bits[:6] - 1, 0).clip(0, 24)
    drawn[6:8] = _LEAST, _MOST
    fixed = fixed_point(drawn, bits)
    numbers += [len(bits)]
    for triple in zip(drawn.tolist(), bits.tolist(), fixed.tolist(), strict=True):
        numbers += triple
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
