"""Numbers and tables as Markdown."""

import statistics
from collections.abc import Sequence
from typing import Protocol

from tifed.experiment.report.amounts import share

MISSING = "not run"


class Scored(Protocol):
    """A run's seed, and its accuracy in the final round."""

    @property
    def seed(self) -> int:
        """Of everything random."""

    @property
    def accuracy(self) -> float:
        """A fraction."""


def mean(runs: Sequence[Scored]) -> float:
    """Mean accuracy of the final round."""
    return statistics.fmean(run.accuracy for run in runs)


def spread(runs: Sequence[Scored]) -> float:
    """Standard deviation (n - 1) of it."""
    return statistics.stdev(run.accuracy for run in runs)


def both(runs: Sequence[Scored], seeds: int) -> str:
    """Mean and spread; with the number of runs if there are fewer than ``seeds``."""
    if not runs:
        return MISSING
    text = share(mean(runs))
    if len(runs) > 1:
        text += f" ± {share(spread(runs))}"
    return text if len(runs) == seeds else f"{text} ({len(runs)})"


def points(value: float) -> str:
    """A difference of fractions in percentage points.

    >>> points(0.0123), points(-0.002)
    ('+1.23', '−0.20')
    """
    return ("+" if value >= 0 else "\N{MINUS SIGN}") + f"{abs(100 * value):.2f}"


def gap(ours: Sequence[Scored], others: Sequence[Scored]) -> tuple[float, float] | None:
    """Mean difference over the seeds that both have, and its standard error; both fractions.

    None with fewer than two such seeds. The same seed has the same partition and order of samples.
    """
    accuracies = {run.seed: run.accuracy for run in others}
    gaps = [run.accuracy - accuracies[run.seed] for run in ours if run.seed in accuracies]
    if len(gaps) < 2:
        return None
    return statistics.fmean(gaps), statistics.stdev(gaps) / len(gaps) ** 0.5


def difference(ours: Sequence[Scored], others: Sequence[Scored]) -> str:
    """`gap` in percentage points."""
    found = gap(ours, others)
    return MISSING if found is None else f"{points(found[0])} ± {100 * found[1]:.2f}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; columns after the first are aligned to the right."""
    ruler = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, ruler, *rows)) + "\n"
