"""What each part of a front end is worth: one is changed at a time."""

from collections.abc import Iterator, Mapping

from benchmarks.results.carry_out import Outcomes
from benchmarks.results.inputs import OCTANTS, SMALL, Input
from benchmarks.results.row import FEWER, Row
from benchmarks.results.text import both, difference, table
from benchmarks.results.variants import VARIANTS

CHANGES: Mapping[str, Input] = {
    "nothing: octants as they are": OCTANTS,
    "a gradient counts for one direction alone": Input("octants-hard", OCTANTS.layers),
    "lines instead of edges: 4 directions without a bright side": Input(
        "octants-unsigned", SMALL.layers
    ),
    "4 directions along the axes (`edges-small`)": SMALL,
    "plain means of 2x2 pixels instead of binomial sums": Input(
        "octants-plain-mean", OCTANTS.layers
    ),
    "no local normalisation": Input("octants-not-normalised", OCTANTS.layers),
    "normalised by the cell's own energy alone": Input("octants-normalised-alone", OCTANTS.layers),
    "no square root": Input("octants-no-root", OCTANTS.layers),
    "neither normalisation nor square root": Input("octants-neither", OCTANTS.layers),
    "the largest of 2x2 cells instead of their mean": Input("octants-largest", OCTANTS.layers),
    "pixels": Input(None, (784, 50, 10)),
}
"""What is changed, and what the network then sees."""


def rows() -> Iterator[Row]:
    """Validation samples of Fashion-MNIST, full-network mode, 50 hidden units."""
    for change, one in CHANGES.items():
        fixed = (*one.settings, "mode=full-network", "held_out=validation")
        program = "python -m benchmarks.results.variants" if one.front_end in VARIANTS else "tifed"
        yield Row(name(change), "fashion-mnist", fixed, FEWER, program=program)


def name(change: str) -> str:
    """A row's name."""
    return f"front end, {change}".replace("`", "")


def part_table(done: Outcomes) -> str:
    """Mean, spread, and what the change costs."""
    whole = done[name(next(iter(CHANGES)))]
    lines = []
    for change, one in CHANGES.items():
        runs = done[name(change)]
        worth = "" if runs is whole else difference(runs, whole)
        lines.append([change, one.shape, both(runs, len(FEWER)), worth])
    return table(["changed", "network", "validation accuracy", "points"], lines)
