"""Run what has not been run yet."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

from benchmarks.results.cache import CsvCache
from benchmarks.results.outcome import Outcome
from benchmarks.results.row import Row
from rich.console import Console

from tifed.cli.sweep_bar import sweep_bar
from tifed.studies import sweep

Outcomes = Mapping[str, tuple[Outcome, ...]]
"""By a row's name its outcomes, by ascending seed."""


def carry_out(
    rows: Sequence[Row],
    folder: Path,
    jobs: int,
    data_dir: Path | None,
    wanted: Sequence[Row] | None = None,
    again: bool = False,
) -> Outcomes:
    """The outcomes of all ``rows``; those in ``folder`` are taken from there.

    Args:
        rows: all of the page; what else is in ``folder`` is dropped.
        folder: of the finished runs.
        jobs: runs at a time.
        data_dir: the user's folder of data sets.
        wanted: the rows that are run as far as they are missing; the others may have fewer outcomes
            than seeds then, or none. By default all.
        again: whether to run those that are not missing too.
    """
    trials = {row.name: [row.trial(seed, data_dir) for seed in row.seeds] for row in rows}
    labels = {
        trial.identity: {"row": row.name, "command": row.command(seed)}
        for row in rows
        for seed, trial in zip(row.seeds, trials[row.name], strict=True)
    }
    cache = CsvCache(folder, labels)
    own = [trials[row.name] for row in (rows if wanted is None else wanted)]
    # First seeds first, so that a stop leaves something of every row.
    ordered = [trial for turn in zip_longest(*own) for trial in turn if trial is not None]
    if again:
        cache.forget({trial.identity for trial in ordered})
    with sweep_bar(Console(stderr=True, highlight=False)) as show:
        sweep(ordered, cache, jobs=jobs, watch=show)
    cache.write()
    return {
        name: tuple(found for one in own if (found := cache.get(one.identity)) is not None)
        for name, own in trials.items()
    }
