"""Version 0.1 had three recipes in the place of one: what they reached on pixels, and what it does.

Their runs are in version-0.1.csv, which nothing writes any more: other rules gave these digests,
and the commands beside them are those of version 0.1.0.
"""

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from benchmarks.results import hard, scarce, shapes
from benchmarks.results.carry_out import Outcomes
from benchmarks.results.headline import DATASETS, INT8, MODES, TUNED, Line
from benchmarks.results.inputs import PIXELS
from benchmarks.results.text import both, difference, gap, mean, points, table
from pydantic import BaseModel, ConfigDict

FILE = Path(__file__).resolve().parents[2] / "docs" / "results" / "version-0.1.csv"
METHODS = ("tuned", "tuned-absolute", "tuned-absolute, momentum")
METHODS_OF_8_BITS = ("tuned-int8", "tuned-absolute, 8 bits")
CLOSE = 0.002
"""As far below the best of the three the one recipe may be without a word."""

_LAST_STEP = (
    "The step of the last layer is the one that suits front ends. With twice the step "
    "(`update_shifts = [10, 9]`) validation samples of Fashion-MNIST have .8772 instead of .8750 "
    "in single-layer mode, with Dirichlet 1.0 .8750 instead of .8730, in memory-aware mode there "
    ".8624 instead of .8609, and with weights of 8 bits (`[14, 13]`) .8752 instead of .8741 "
    "(seeds 1 to 3)."
)
WHY: Mapping[str, str] = {
    "fashion-mnist, single-layer": _LAST_STEP,
    "Dirichlet 1.0, single-layer": _LAST_STEP,
    "Dirichlet 1.0, memory-aware": _LAST_STEP,
    "10 of 100 devices a round, single-layer": _LAST_STEP,
    "fashion-mnist, single-layer, 8 bits": _LAST_STEP,
}
"""Why a row is further below, if it is by more than two standard errors."""


class Earlier(BaseModel):
    """A run of version 0.1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    row: str
    seed: int
    accuracy: float
    bytes_up: int
    digest: str
    command: str


@cache
def earlier() -> Mapping[str, tuple[Earlier, ...]]:
    """Every run of version 0.1 by the name of its row."""
    found: dict[str, list[Earlier]] = defaultdict(list)
    with FILE.open(newline="", encoding="utf-8") as file:
        for line in csv.DictReader(file):
            run = Earlier.model_validate(line)
            found[run.row].append(run)
    return {row: tuple(runs) for row, runs in found.items()}


def pairs(methods: tuple[str, ...] = METHODS) -> Iterator[tuple[str, str]]:
    """What was run before and is now: the beginning of the old rows' names, and the new row's."""
    eight = methods == METHODS_OF_8_BITS
    for dataset in DATASETS:
        for mode in MODES:
            now = Line(INT8 if eight else TUNED, PIXELS).row(dataset, mode)
            yield f"{dataset}, {mode}", now
    if not eight:
        for shape in shapes.SHAPES:
            if shape.startswith("spoken-digits"):  # had other features then
                continue
            for mode in shapes.MODES:
                yield f"{shape}, {mode}", shapes.name(shape, mode, "tuned")
        for condition in hard.CONDITIONS:
            if condition == hard.SPOKEN:
                continue
            for mode in hard.MODES:
                yield f"{condition}, {mode}", hard.name(condition, mode, TUNED, PIXELS)
        for case, words in scarce.CASES.items():
            yield words, scarce.name(*case, TUNED, scarce.PIXELS)


def before_table(done: Outcomes, methods: tuple[str, ...] = METHODS) -> str:
    """A line per row: the recipes of version 0.1, the one recipe, and its lead over their best."""
    lines = []
    for begin, now in pairs(methods):
        old = [earlier().get(f"{begin}, {method}", ()) for method in methods]
        best = max((runs for runs in old if runs), key=mean)
        cells = ["" if not runs else both(runs, len(runs)) for runs in old]
        lines.append([begin, *cells, both(done[now], len(done[now])), difference(done[now], best)])
    return table(["", *(f"`{one}`" for one in methods), "now", "now minus best, points"], lines)


def below(done: Outcomes) -> Iterator[tuple[str, str]]:
    """Rows more than `CLOSE` below the best of the three, and why; empty if nobody knows."""
    for methods in (METHODS, METHODS_OF_8_BITS):
        for begin, now in pairs(methods):
            old = [earlier().get(f"{begin}, {method}", ()) for method in methods]
            found = gap(done[now], max((runs for runs in old if runs), key=mean))
            if found is None or found[0] >= -CLOSE:
                continue
            label = begin if methods == METHODS else f"{begin}, 8 bits"
            noise = "This is less than two standard errors of the difference."
            yield (
                f"**{label}**: {points(found[0])} ± {100 * found[1]:.2f}",
                noise if -found[0] < 2 * found[1] else WHY.get(label, ""),
            )


def below_list(done: Outcomes) -> str:
    """`below` as a list."""
    lines = [f"- {row}. {why or 'The reason is not known.'}" for row, why in below(done)]
    return "\n".join(lines) or "There is none."
