"""Carry out a study: every setting with seeds 1, 2, …, in parallel, each finished run kept."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed, effective_n_jobs

from tifed.errors import UsageError
from tifed.experiment.setup import load_data
from tifed.studies.kept import KeptRuns, Task
from tifed.studies.outcome import Run, play
from tifed.studies.schedule import Schedule
from tifed.studies.setting import Setting, Study


@dataclass(frozen=True)
class Progress:
    """What a watcher is told before the first run and after each.

    Attributes:
        done: runs finished, those of earlier calls included.
        total: runs of the whole reproduction.
        kept: runs that an earlier call had finished.
        run: the one that has just ended; None before the first.
    """

    done: int
    total: int
    kept: int
    run: Run | None


Watcher = Callable[[Progress], None]

_Call = tuple[Callable[..., Any], tuple[Any, ...], Mapping[str, Any]]


@dataclass(frozen=True)
class Reproduction:
    """A study that has been carried out.

    Attributes:
        study: which.
        schedule: how.
        runs: per setting its runs, by ascending seed; in the study's order.
    """

    study: Study
    schedule: Schedule
    runs: tuple[tuple[Setting, tuple[Run, ...]], ...]

    @property
    def seeds(self) -> int:
        """Runs per setting; run k has seed k for everything."""
        return len(self.runs[0][1])


def carry_out(
    study: Study,
    out: Path,
    *,
    runs: int = 5,
    schedule: Schedule = Schedule.FEDERATED,
    methods: Sequence[str] = (),
    containing: Sequence[str] = (),
    engine: str | None = None,
    jobs: int | None = None,
    data_dir: Path | None = None,
    watch: Watcher | None = None,
) -> Reproduction:
    """Run what has not been run yet.

    The runs go through joblib: inside ``joblib.parallel_config(backend="dask")`` or ``"ray"`` they
    go to that cluster, whose machines need the package and the data.

    Args:
        study: what to run.
        out: folder; finished runs are in its subfolder ``finished``, one file each.
        runs: per setting; run k has seed k, k = 1..runs.
        schedule: real federated averaging, or the published accident.
        methods: see `Study.chosen`.
        containing: see `Study.chosen`.
        engine: who computes the learning rule; None for the experiments' own.
        jobs: runs at a time; None for joblib's ambient setting, which is 1 unless configured.
        data_dir: the user's folder of data sets.
        watch: told of every finished run.

    Raises:
        UsageError: if there is nothing to run, or the data or the folder cannot be used.
    """
    if runs < 1:
        raise UsageError(f"runs: {runs} is not a whole number of 1 or more")
    if jobs == 0:
        raise UsageError("jobs: 0 runs at a time; use 1 or more, or -1 for every core")
    settings = study.chosen(schedule, methods, containing, engine)
    kept = KeptRuns(out / "finished")
    # Settings of a study differ in how they learn, not in what they learn from.
    data = load_data(settings[0].experiment, data_dir).digest
    # Seed by seed, so that a reproduction that is stopped has something of every setting.
    tasks = [
        Task(setting, schedule, seed, data) for seed in range(1, runs + 1) for setting in settings
    ]
    found = {task.key: run for task in tasks if (run := kept.find(task)) is not None}
    missing = [task for task in tasks if task.key not in found]
    old = len(found)
    if watch is not None:
        watch(Progress(old, len(tasks), old, None))
    calls = [delayed(_numbered)(number, task, data_dir) for number, task in enumerate(missing)]
    for number, run in _as_they_end(calls, jobs):
        task = missing[number]
        kept.keep(task, run)
        found[task.key] = run
        if watch is not None:
            watch(Progress(len(found), len(tasks), old, run))
    return Reproduction(
        study,
        schedule,
        tuple(
            (setting, tuple(found[setting.name, seed] for seed in range(1, runs + 1)))
            for setting in settings
        ),
    )


def _as_they_end(calls: Sequence[_Call], jobs: int | None) -> Iterator[tuple[int, Run]]:
    """The outcomes of joblib's ``calls``, as early as the backend gives them out."""
    try:
        parallel = Parallel(n_jobs=jobs, return_as="generator_unordered")
    except ValueError:
        # Ray's and multiprocessing's backends give all outcomes at the very end: as many calls as
        # run at a time, then, so that little is lost if the reproduction is stopped.
        parallel = Parallel(n_jobs=jobs)
        together = max(1, effective_n_jobs(jobs))
        for first in range(0, len(calls), together):
            yield from parallel(calls[first : first + together])
    else:
        yield from parallel(calls)


def _numbered(number: int, task: Task, data_dir: Path | None) -> tuple[int, Run]:
    """A task's run, with the task's number, for runs end in any order."""
    return number, play(task.setting, task.schedule, task.seed, data_dir)
