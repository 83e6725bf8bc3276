"""Every row of the page, in groups that can be run one by one."""

from collections.abc import Callable, Iterator

from benchmarks.results import (
    ablation,
    hard,
    headline,
    parts,
    rates,
    scarce,
    shapes,
    short,
    small_boards,
)
from benchmarks.results.row import Row

GROUPS: dict[str, Callable[[], Iterator[Row]]] = {
    "headline": headline.rows,
    "short-updates": short.rows,
    "scarce": scarce.rows,
    "shapes": shapes.rows,
    "small-boards": small_boards.rows,
    "hard": hard.rows,
    "8-bits": headline.rows_of_8_bits,
    "parts": parts.rows,
    "ablation": ablation.rows,
    "rates": rates.rows,
}
"""What the page would miss most comes first."""


def all_rows() -> list[Row]:
    """The rows of all groups."""
    return [row for group in GROUPS.values() for row in group()]
