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
    again: bool,
    data_dir: Path | None,
    only_cached: bool = False,
) -> Outcomes:
    """The outcomes of all ``rows``; those in ``folder`` are taken from there.

    Args:
        rows: what to run.
        folder: of the finished runs.
        jobs: runs at a time.
        again: whether to run everything again.
        data_dir: the user's folder of data sets.
        only_cached: run nothing; rows may have fewer outcomes than seeds then, or none.
    """
    trials = {row.name: [row.trial(seed, data_dir) for seed in row.seeds] for row in rows}
    labels = {
        trial.identity: {"row": row.name, "command": row.command(seed)}
        for row in rows
        for seed, trial in zip(row.seeds, trials[row.name], strict=True)
    }
    cache = CsvCache(folder, labels, again)
    if not only_cached:
        # First seeds first, so that a stop leaves something of every row.
        turns = zip_longest(*trials.values())
        ordered = [trial for turn in turns for trial in turn if trial is not None]
        with sweep_bar(Console(stderr=True, highlight=False)) as show:
            sweep(ordered, cache, jobs=jobs, watch=show)
    cache.write()
    return {
        name: tuple(found for one in own if (found := cache.get(one.identity)) is not None)
        for name, own in trials.items()
    }
