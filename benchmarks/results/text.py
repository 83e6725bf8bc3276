"""Numbers and tables as Markdown."""

import statistics
from collections.abc import Sequence

from benchmarks.results.outcome import Outcome

from tifed.experiment.report.amounts import share

MISSING = "not run"


def mean(runs: Sequence[Outcome]) -> float:
    """Mean accuracy of the final round."""
    return statistics.fmean(run.accuracy for run in runs)


def spread(runs: Sequence[Outcome]) -> float:
    """Standard deviation (n - 1) of it."""
    return statistics.stdev(run.accuracy for run in runs)


def both(runs: Sequence[Outcome], seeds: int) -> str:
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


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; columns after the first are aligned to the right."""
    ruler = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, ruler, *rows)) + "\n"
