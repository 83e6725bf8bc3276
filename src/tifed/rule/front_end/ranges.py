"""The proven worst case of every value that a front end can form (SPEC, section 14.3)."""

from tifed.rule.front_end.front_end import SECOND_ORDER, FrontEnd
from tifed.rule.front_end.parts import (
    ENERGY_FLOOR,
    POOL_SHIFT,
    POOL_WEIGHTS,
    RECIPROCAL,
    SCALE_SHIFT,
    SQUARE_ROOTS,
    TABLE_LENGTH,
)
from tifed.rule.network.value_ranges import Range

PIXEL = 255


def front_end_ranges(front_end: FrontEnd) -> tuple[Range, ...]:
    """Every intermediate's proven worst case, in the order in which the values are formed."""
    parts = front_end.parts
    # Two opposite directions never have a value at once; of four, both axes can, of eight,
    # an axis has what it has more than the other and the diagonal 1.5 times what both have.
    direction = PIXEL if parts.directions == 4 else PIXEL + (PIXEL >> 1)
    all_directions = 2 * PIXEL if parts.directions == 4 else direction
    weights = sum(POOL_WEIGHTS) ** 2
    cell = direction * weights >> POOL_SHIFT
    energy = all_directions * weights >> POOL_SHIFT
    around = 9 * energy
    scale = RECIPROCAL // ENERGY_FLOOR
    largest = TABLE_LENGTH - 1
    rows = [
        ("pixel", 0, PIXEL, 16, "sample + 128"),
        ("colour sum", 0, 4 * PIXEL, 16, "red + 2 · green + blue"),
        ("gradient", -PIXEL, PIXEL, 16, "difference of two pixels"),
        ("direction", 0, direction, 16, f"of {parts.directions}"),
        ("cell sum", 0, direction * weights, 16, f"weights of {weights} in all"),
        ("cell", 0, cell, 16, f"cell sum >> {POOL_SHIFT}"),
        ("energy", 0, energy, 16, "cells of all directions"),
        ("energy around", 0, around, 16, "9 energies"),
        ("scale", 0, scale, 16, f"{RECIPROCAL} / (energy around / 8 + {ENERGY_FLOOR})"),
        ("product", 0, cell * scale, 32, "cell · scale"),
        ("normalised cell", 0, largest, 16, f"product >> {SCALE_SHIFT}, at most {largest}"),
        ("square root", 0, int(SQUARE_ROOTS[-1]), 16, "table"),
    ]
    if parts.merged:
        rows.append(("block", 0, 4 * int(SQUARE_ROOTS[-1]), 16, "4 square roots"))
    if parts.second_order:
        rows += second_order_rows()
    rows.append(("feature", -128, 127, 8, "square root (or its mean) - 128"))
    return tuple(Range(None, *row) for row in rows)


def second_order_rows() -> list[tuple[str, int, int, int, str]]:
    """What edges of second order form, after an orientation: as from directions, but not signed."""
    orientation = int(SQUARE_ROOTS[-1])
    weights = sum(POOL_WEIGHTS) ** 2
    cell = orientation * weights >> POOL_SHIFT
    energy = SECOND_ORDER * cell
    scale = RECIPROCAL // ENERGY_FLOOR
    return [
        ("orientation", 0, orientation, 16, "the larger of 2 square roots"),
        ("change", 0, orientation, 16, "difference of 2 orientations, without sign"),
        ("cell sum of changes", 0, orientation * weights, 16, f"weights of {weights} in all"),
        ("cell of changes", 0, cell, 16, f"cell sum of changes >> {POOL_SHIFT}"),
        ("energy of changes", 0, energy, 16, f"{SECOND_ORDER} cells of changes"),
        ("energy of changes around", 0, 9 * energy, 32, "9 energies; 16 bits without sign"),
        ("product of changes", 0, cell * scale, 32, "cell of changes · scale"),
    ]
