"""Run what has not been run yet."""

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.results import kept
from benchmarks.results.outcome import Outcome, identity, play
from benchmarks.results.row import Row
from joblib import Parallel, delayed

Outcomes = Mapping[str, tuple[Outcome, ...]]
"""By a row's name its runs, by ascending seed."""

_EVERY = 10.0
"""Seconds between two writes of the finished runs."""


def carry_out(
    rows: Sequence[Row],
    folder: Path,
    jobs: int,
    again: bool,
    data_dir: Path | None,
    only_kept: bool = False,
) -> Outcomes:
    """The runs of all ``rows``; those in ``folder`` are taken from there.

    Args:
        rows: what to run.
        folder: of the finished runs.
        jobs: runs at a time.
        again: whether to run everything again.
        data_dir: the user's folder of data sets.
        only_kept: run nothing; rows may have fewer runs than seeds then, or none.
    """
    found = {} if again else kept.read(folder)
    tasks = {}
    for row in rows:
        for seed in row.seeds:
            experiment = row.experiment(seed)
            name = identity(experiment, row.curve)
            tasks[row.name, seed] = (row, experiment, name)
    missing = list({one[2]: one for one in tasks.values() if one[2] not in found}.values())
    # First seeds first, so that a stop leaves something of every row.
    missing.sort(key=lambda one: one[0].seeds.index(one[1].seed))
    print(f"{len(tasks)} runs, {len(tasks) - len(missing)} kept from before", file=sys.stderr)
    if only_kept:
        missing = []

    def write() -> None:
        done = [
            found[name].model_copy(update={"row": row.name, "command": row.command(e.seed)})
            for row, e, name in tasks.values()
            if name in found
        ]
        kept.write(folder, done)

    began = last = time.monotonic()
    calls = (
        delayed(play)(row.name, experiment, row.curve, row.command(experiment.seed), data_dir)
        for row, experiment, _ in missing
    )
    for number, outcome in enumerate(
        Parallel(n_jobs=jobs, return_as="generator_unordered")(calls), start=1
    ):
        found[outcome.identity] = outcome
        now = time.monotonic()
        left = (now - began) / number * (len(missing) - number)
        print(
            f"run {number}/{len(missing)}  {outcome.row}, seed {outcome.seed}: "
            f"{outcome.accuracy:.4f}  about {left / 60:.0f} min left",
            file=sys.stderr,
        )
        if now - last > _EVERY:
            write()
            last = now
    write()
    return {
        row.name: tuple(
            found[tasks[row.name, seed][2]]
            for seed in row.seeds
            if tasks[row.name, seed][2] in found
        )
        for row in rows
    }
