"""Many trials side by side, each cached under its identity, so that none is run twice."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from joblib import Parallel, delayed, effective_n_jobs

from tifed.errors import UsageError

OutcomeT = TypeVar("OutcomeT")

_Call = tuple[Callable[..., Any], tuple[Any, ...], Mapping[str, Any]]


@dataclass(frozen=True)
class Trial(Generic[OutcomeT]):
    """One experiment with one seed on its data: run it, unless its outcome is cached.

    Attributes:
        name: what people know it by.
        identity: of all that decides the outcome, such as `tifed.experiment.identity` gives.
        run: gives the outcome; another process may call it, so a `partial` of a module's function.
    """

    name: str
    identity: str
    run: Callable[[], OutcomeT]


class Cache(Protocol[OutcomeT]):
    """Outcomes by identity, on a disk or, as a dict, in memory."""

    def get(self, identity: str, /) -> OutcomeT | None:
        """The outcome; None if there is none, or none that can be read."""

    def __setitem__(self, identity: str, outcome: OutcomeT, /) -> None:
        """Keep an outcome, so that it is there when this returns."""


@dataclass(frozen=True)
class SweepProgress(Generic[OutcomeT]):
    """What a watcher is told before the first trial is run and after each.

    Attributes:
        done: trials whose outcome is known, cached ones included.
        total: all trials.
        cached: trials whose outcome was known before.
        trial: the one that has just ended; None before the first.
        outcome: of that one.
    """

    done: int
    total: int
    cached: int
    trial: Trial[OutcomeT] | None = None
    outcome: OutcomeT | None = None


def sweep(
    trials: Sequence[Trial[OutcomeT]],
    cache: Cache[OutcomeT],
    *,
    jobs: int | None = None,
    watch: Callable[[SweepProgress[OutcomeT]], None] | None = None,
) -> list[OutcomeT]:
    """The outcome of every trial; what is not in ``cache`` is run, and cached as soon as it ends.

    The trials go through joblib: inside ``joblib.parallel_config(backend="dask")`` or ``"ray"``
    they go to that cluster, whose machines need the package and the data.

    Args:
        trials: those with equal identities are run once; the first ones are begun first.
        cache: of earlier sweeps, to which this one's outcomes are added.
        jobs: trials at a time; None for joblib's ambient setting, which is 1 unless configured.
        watch: told of every trial that has ended.

    Raises:
        UsageError: if no trials at a time are asked for.

    >>> from functools import partial
    >>> sweep([Trial(f"{n} squared", f"{n}^2", partial(pow, n, 2)) for n in (2, 3)], {"2^2": 4})
    [4, 9]
    """
    if jobs == 0:
        raise UsageError("jobs: 0 runs at a time; use 1 or more, or -1 for every core")
    wanted: dict[str, Trial[OutcomeT]] = {}
    for trial in trials:
        wanted.setdefault(trial.identity, trial)
    known = {name: found for name in wanted if (found := cache.get(name)) is not None}
    total, cached = len(wanted), len(known)
    if watch is not None:
        watch(SweepProgress(cached, total, cached))
    missing = [trial for name, trial in wanted.items() if name not in known]
    calls = [delayed(_numbered)(number, trial) for number, trial in enumerate(missing)]
    for number, outcome in _as_they_end(calls, jobs):
        trial = missing[number]
        cache[trial.identity] = known[trial.identity] = outcome
        if watch is not None:
            watch(SweepProgress(len(known), total, cached, trial, outcome))
    return [known[trial.identity] for trial in trials]


def _as_they_end(calls: Sequence[_Call], jobs: int | None) -> Iterator[tuple[int, Any]]:
    """The outcomes of joblib's ``calls``, as early as the backend gives them out."""
    try:
        parallel = Parallel(n_jobs=jobs, return_as="generator_unordered")
    except ValueError:
        # Ray's and multiprocessing's backends give all outcomes at the very end: as many calls as
        # run at a time, then, so that little is lost if the sweep is stopped.
        parallel = Parallel(n_jobs=jobs)
        together = max(1, effective_n_jobs(jobs))
        for first in range(0, len(calls), together):
            yield from parallel(calls[first : first + together])
    else:
        yield from parallel(calls)


def _numbered(number: int, trial: Trial[OutcomeT]) -> tuple[int, OutcomeT]:
    """A trial's outcome, with the trial's number, for trials end in any order."""
    return number, trial.run()
