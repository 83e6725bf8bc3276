"""Carry out a study: every setting with seeds 1, 2, …, those that were run before apart."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tifed.errors import UsageError
from tifed.experiment.setup import load_data
from tifed.studies.outcome import Outcome, OutcomeFolder, identity_of, run_setting
from tifed.studies.setting import Schedule, Setting, Study
from tifed.studies.trials import SweepProgress, Trial, sweep


@dataclass(frozen=True)
class Reproduction:
    """A study that has been carried out.

    Attributes:
        study: which.
        schedule: how.
        runs: per setting its outcomes, by ascending seed; in the study's order.
    """

    study: Study
    schedule: Schedule
    runs: tuple[tuple[Setting, tuple[Outcome, ...]], ...]

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
    watch: Callable[[SweepProgress[Outcome]], None] | None = None,
) -> Reproduction:
    """Run what has not been run yet; see `sweep` for clusters.

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
    settings = study.chosen(schedule, methods, containing, engine)
    # Settings of a study differ in how they learn, not in what they learn from.
    data = load_data(settings[0].experiment, data_dir).digest
    trials = [
        Trial(
            f"{setting.name}, seed {seed}",
            identity_of(setting, schedule, seed, data),
            partial(run_setting, setting, schedule, seed, data_dir),
        )
        # Seed by seed, so that a reproduction that is stopped has something of every setting.
        for seed in range(1, runs + 1)
        for setting in settings
    ]
    done = sweep(trials, OutcomeFolder(out / "finished"), jobs=jobs, watch=watch)
    by_setting = [tuple(done[number :: len(settings)]) for number in range(len(settings))]
    return Reproduction(study, schedule, tuple(zip(settings, by_setting, strict=True)))
