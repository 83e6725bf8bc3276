"""Run an experiment, or go on with a run: its folder, its data, its fleet, then its rounds."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tifed.data import Dataset
from tifed.errors import UsageError
from tifed.experiment.folder import RunFolder
from tifed.experiment.folder_lock import alone_in
from tifed.experiment.load import load_experiment, to_toml
from tifed.experiment.loop import Loop, Watcher
from tifed.experiment.own_data import NEEDS_DEVICES, ON_DEVICES
from tifed.experiment.privacy import simulated_sites
from tifed.experiment.result import Result
from tifed.experiment.schema import Experiment
from tifed.experiment.setup import Setup, build, require_devices
from tifed.experiment.training import judge_for, training_for
from tifed.extractor import Extractor, load_extractor, save_extractor
from tifed.extractor.shipped import find_extractor, shipped_names
from tifed.federation import Fleet
from tifed.files.paths import AnyPath

if TYPE_CHECKING:
    from tifed.fleets.secure import SecureFleet

FleetMaker = Callable[[Setup], Fleet]


def run(
    experiment: Experiment,
    *,
    out: AnyPath | None = None,
    resume: bool = False,
    data_dir: AnyPath | None = None,
    dataset: Dataset | None = None,
    watch: Watcher | None = None,
    warn: Callable[[str], None] | None = None,
    fleet: FleetMaker | None = None,
) -> Result:
    """Run ``experiment`` to its end.

    Args:
        experiment: what to run.
        out: the run's folder; without one nothing is written. One process at a time has it.
        resume: go on from the newest sound checkpoint in ``out``.
        data_dir: the user's folder of data sets.
        dataset: what `experiment.setup.load_data` gave before, for many runs on the same data.
        watch: told of every round.
        warn: told of what makes the result doubtful (`Result.warnings`), and of damaged files
            that were passed over.
        fleet: makes the fleet that does the local work, if not this process is to.

    Raises:
        UsageError: if the experiment does not fit its data, or the folder cannot be used, for
            example because another process is running it.
        RunError: if the run cannot be carried out.

    >>> from tifed import Experiment, run
    >>> result = run(Experiment(dataset="digits", rounds=2))
    >>> result.rounds, result.accuracy > 0.3
    (2, True)
    """
    folder = None if out is None else RunFolder(Path(out))
    tell = warn or _nobody
    with ExitStack() as held:
        own = None
        if folder is not None and resume:
            folder.require()
            held.enter_context(alone_in(folder.path, tell))
            own = _extractor_in(experiment, folder)
        if fleet is not None:
            require_devices(experiment)
        elif not experiment.build_fleet_kind().brings_data and experiment.dataset == ON_DEVICES:
            raise UsageError(NEEDS_DEVICES)
        setup = build(experiment, data_dir, extractor=own, dataset=dataset)
        if fleet is not None:
            setup = replace(setup, fleet=fleet(setup))
        elif experiment.privacy.secure_aggregation:
            setup = replace(setup, fleet=secure_fleet(experiment, setup, tell))
        training = training_for(experiment, setup)
        held.callback(training.close)
        if folder is not None:
            if not resume:
                held.enter_context(alone_in(folder.path, tell))
                folder.create(to_toml(experiment))
                if setup.extractor is not None:
                    save_extractor(folder.extractor, setup.extractor)
            folder.clear_temporaries()
        judge = judge_for(experiment, setup, training)
        return Loop(experiment, setup, training, judge, folder, watch, tell).to_the_end(resume)


def resume(
    out: AnyPath,
    *,
    data_dir: AnyPath | None = None,
    watch: Watcher | None = None,
    warn: Callable[[str], None] | None = None,
    fleet: FleetMaker | None = None,
) -> Result:
    """Go on with the run in folder ``out`` and give the result it would have had unbroken.

    Raises:
        UsageError: if the folder holds no run, another process is running it, or another data set
            is there now.
    """
    folder = RunFolder(Path(out))
    folder.require()
    experiment = load_experiment(folder.experiment)
    return run(
        experiment, out=out, resume=True, data_dir=data_dir, watch=watch, warn=warn, fleet=fleet
    )


def run_setup(
    experiment: Experiment,
    setup: Setup,
    *,
    watch: Watcher | None = None,
    warn: Callable[[str], None] | None = None,
) -> Result:
    """Run what `build` has made of ``experiment``, perhaps changed since; nothing is written.

    Args:
        experiment: what to run.
        setup: its parts; its fleet is closed in the end.
        watch: told of every round.
        warn: told of what makes the result doubtful.

    Raises:
        RunError: if the run cannot be carried out.
    """
    tell = warn or _nobody
    if experiment.privacy.secure_aggregation:
        setup = replace(setup, fleet=secure_fleet(experiment, setup, tell))
    training = training_for(experiment, setup)
    try:
        judge = judge_for(experiment, setup, training)
        return Loop(experiment, setup, training, judge, None, watch, tell).to_the_end(False)
    finally:
        training.close()


def secure_fleet(
    experiment: Experiment, setup: Setup, tell: Callable[[str], None]
) -> "SecureFleet":
    """The fleet of ``setup``, dealt to sites in this process that mask their sums.

    Raises:
        UsageError: if masks of single devices leave a site too few of them.
    """
    # Late: few runs mask their sums.
    from tifed.fleets.secure import SecureFleet
    from tifed.secure_aggregation.devices import LEAST_DEVICES

    sites = simulated_sites(experiment)
    boards = experiment.privacy.device_masks and experiment.fleet != "simulated"
    if boards and experiment.devices // sites < LEAST_DEVICES:
        raise UsageError(
            f"privacy.sites: {sites} sites have {experiment.devices} devices, and with "
            f"privacy.device_masks each needs {LEAST_DEVICES}; choose fewer sites, or more devices"
        )
    return SecureFleet(setup.fleet, setup.federation, sites, log=tell)


def _extractor_in(experiment: Experiment, folder: RunFolder) -> Extractor | None:
    """The extractor that a run began with, from its folder.

    Raises:
        UsageError: if the experiment's file is another one by now.
    """
    if experiment.extractor is None or not folder.extractor.is_file():
        return None
    kept = load_extractor(folder.extractor)
    if Path(experiment.extractor).is_file() or experiment.extractor in shipped_names():
        now = find_extractor(experiment.extractor).digest
        if now != kept.digest:
            raise UsageError(
                f"extractor: {experiment.extractor} is another one now ({now[:16]}) than when "
                f"the run began ({kept.digest[:16]}, kept as {folder.extractor}); put it back, or "
                "begin a new run"
            )
    return kept


def _nobody(message: str) -> None:
    """Take a warning that nobody wants to see."""
    del message
