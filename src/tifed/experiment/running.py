"""Run an experiment: rounds, evaluation, metrics, checkpoints, result, report."""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Generic

import numpy as np

from tifed.data import Dataset
from tifed.data.quantisation.quantised import QuantisationReport
from tifed.errors import RunError, UsageError
from tifed.experiment.doubts import Doubts, after_the_run, before_the_run, scores
from tifed.experiment.folder import RunFolder
from tifed.experiment.folder_lock import alone_in
from tifed.experiment.health import away, changes
from tifed.experiment.identity import identity
from tifed.experiment.load import load_experiment, to_toml
from tifed.experiment.schema import Experiment
from tifed.experiment.setup import Setup, build, require_devices
from tifed.experiment.training import Training, training_for
from tifed.extractor import Extractor, load_extractor, save_extractor
from tifed.extractor.shipped import find_extractor, shipped_names
from tifed.federation import Costs, Fleet, RoundRecord
from tifed.federation.checkpoint_file import Checkpoint, checkpoint_files
from tifed.federation.plan import PlaceT
from tifed.files.paths import AnyPath


@dataclass(frozen=True)
class Progress:
    """What a watcher is told after each round.

    Attributes:
        record: what happened in the round.
        rounds: rounds of the whole run.
        accuracy: of the published model on held-out data, or None if it was not evaluated.
        costs: totals over devices since the run began.
        devices: devices in the fleet.
    """

    record: RoundRecord
    rounds: int
    accuracy: float | None
    costs: Costs
    devices: int


Watcher = Callable[[Progress], None]
FleetMaker = Callable[[Setup], Fleet]


@dataclass(frozen=True)
class Result:
    """A finished run.

    Attributes:
        accuracy: of the published model of the final round on held-out data.
        balanced_accuracy: mean over the classes that occur there of the share of their samples
            that are classified rightly.
        commonest_class_share: what always answering the commonest class there would reach.
        digest: SHA-256 of the published model; of integers the same on any machine, of floats not.
        rounds: rounds that were run.
        mode: which layers a device trained.
        recipe: settings of the learning rule.
        dataset: what was learnt.
        layers: the network's shape.
        devices: devices in the fleet.
        engine: who computed the learning rule.
        seed: of everything random.
        held_out: what accuracy was measured on.
        held_out_samples: how many samples that is.
        bytes_up_per_device: parameters sent by a device in the whole run, mean over devices.
        bytes_down_per_device: parameters sent to a device.
        macs_per_device: multiply-accumulates of a device.
        seconds: spent on the run, evaluation included.
        out: the run's folder, or None.
        dataset_digest: SHA-256 of the samples, or of their features.
        command: how to repeat the run.
        extractor_digest: SHA-256 of what made the features, or None.
        warnings: what makes the result doubtful, a sentence each; empty if nothing is known to.
        quantisation: what became of the data's numbers when they were made int8.
    """

    accuracy: float
    balanced_accuracy: float
    commonest_class_share: float
    digest: str
    rounds: int
    mode: str
    recipe: str
    dataset: str
    layers: tuple[int, ...]
    devices: int
    engine: str
    seed: int
    held_out: str
    held_out_samples: int
    bytes_up_per_device: int
    bytes_down_per_device: int
    macs_per_device: int
    seconds: float
    out: str | None
    dataset_digest: str
    command: str
    extractor_digest: str | None = None
    warnings: tuple[str, ...] = ()
    quantisation: QuantisationReport | None = None


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
        kept = None
        if folder is not None and resume:
            folder.require()
            held.enter_context(alone_in(folder.path, tell))
            kept = _kept_extractor(experiment, folder)
        if fleet is not None:
            require_devices(experiment)
        setup = build(experiment, data_dir, extractor=kept, dataset=dataset)
        if fleet is not None:
            setup = replace(setup, fleet=fleet(setup))
        training = training_for(experiment, setup)
        held.callback(training.close)
        if folder is not None:
            if not resume:
                held.enter_context(alone_in(folder.path, tell))
                folder.create(to_toml(experiment))
                if setup.extractor is not None:
                    save_extractor(folder.extractor, setup.extractor)
            folder.clear_temporaries()
        return _Run(experiment, setup, training, folder, watch, tell).to_the_end(resume)


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


def _kept_extractor(experiment: Experiment, folder: RunFolder) -> Extractor | None:
    """The extractor that a run began with, from its folder.

    Raises:
        UsageError: if the experiment's file is another one by now.
    """
    if experiment.features is None or not folder.extractor.is_file():
        return None
    kept = load_extractor(folder.extractor)
    if Path(experiment.features).is_file() or experiment.features in shipped_names():
        now = find_extractor(experiment.features).digest
        if now != kept.digest:
            raise UsageError(
                f"features: {experiment.features} is another extractor now ({now[:16]}) than when "
                f"the run began ({kept.digest[:16]}, kept as {folder.extractor}); put it back, or "
                "begin a new run"
            )
    return kept


def _nobody(message: str) -> None:
    """Where nobody wants to be warned."""
    del message


@dataclass(frozen=True)
class _Run(Generic[PlaceT]):
    """One process's part of a run."""

    experiment: Experiment
    setup: Setup
    training: Training[PlaceT]
    folder: RunFolder | None
    watch: Watcher | None
    warn: Callable[[str], None]

    def to_the_end(self, resume: bool) -> Result:
        """Every round that is left, then the result."""
        federation, training = self.setup.federation, self.training
        began = time.monotonic()
        doubts = Doubts(self.warn)
        doubts.add(before_the_run(self.experiment))
        doubts.add(self.setup.dataset.warnings)
        before = self._newest_checkpoint() if resume else None
        lost: set[int] = set()
        if self.folder is not None and resume:
            lost = away(self.folder.back_to(before.state.round if before else 0, self.warn))
        if before is None:
            state, costs = training.begin()
            before = Checkpoint(state, costs, 0.0)
        state, costs = before.state, before.costs
        # What is not on the disk yet: no more than the rounds since the last checkpoint.
        rows: list[Mapping[str, Any]] = []
        health: list[Mapping[str, Any]] = []
        for after, record in training.rounds(state):
            state = after
            costs += record.costs
            accuracy = None
            if state.round % self.experiment.evaluate_every == 0:
                accuracy = self._accuracy(state)
            rows.append(self._row(record, accuracy))
            changed = changes(lost, record)
            lost.symmetric_difference_update(row["device"] for row in changed)
            health += changed
            last = state.round == federation.rounds
            if self.folder is not None and (
                last or state.round % self.experiment.checkpoint_every == 0
            ):
                # Rows first: a checkpoint without its row could not be mended afterwards.
                self.folder.append_metrics(rows)
                self.folder.append_health(health)
                rows, health = [], []
                seconds = before.seconds + time.monotonic() - began
                checkpoint = Checkpoint(state, costs, seconds)
                training.save_checkpoint(self.folder.checkpoints, checkpoint, self._identity)
            if self.watch is not None:
                self.watch(Progress(record, federation.rounds, accuracy, costs, federation.devices))
        seconds = before.seconds + time.monotonic() - began
        return self._finish(state, costs, seconds, doubts)

    @cached_property
    def _identity(self) -> str:
        """Names experiment and data, so that a checkpoint of others is refused."""
        return identity(self.experiment, self.setup.network, data=self.setup.dataset.digest)

    def _newest_checkpoint(self) -> Checkpoint[PlaceT] | None:
        """The newest checkpoint that is sound; None if the run was stopped before the first."""
        if self.folder is None:
            raise UsageError("out: resuming needs the folder of the run")
        files = checkpoint_files(self.folder.checkpoints)
        table = self.folder.sound_metrics()
        lacking = ""
        for path in files:
            try:
                found = self.training.load_checkpoint(path, self._identity)
            except RunError as error:
                self.warn(f"{error}; trying the one before it")
                continue
            if len(table.rows) >= found.state.round:
                return found
            lacking = f" that {self.folder.metrics.name} has all rows for"
            wrong = table.wrong or f"{self.folder.metrics}: ends too early"
            self.warn(
                f"{wrong}, and {path.name} needs all rows up to round {found.state.round}; "
                "trying the checkpoint before it"
            )
        if files:
            raise RunError(
                f"{self.folder.checkpoints}: no sound checkpoint{lacking}; start a new run"
            )
        return None

    def _accuracy(self, state: PlaceT) -> float:
        """Share of held-out samples that the published model classifies rightly."""
        test = self.setup.dataset.test
        return float(np.mean(self.training.classify(state, test.features) == test.labels))

    def _row(self, record: RoundRecord, accuracy: float | None) -> dict[str, Any]:
        """One line of ``metrics.csv``."""
        statistics, devices = record.statistics, self.experiment.devices
        trained = {
            f"updates_layer_{layer}": record.updates.get(layer, 0)
            for layer in range(self.setup.network.depth)
        }
        return {
            "round": record.round + 1,
            "accuracy": "" if accuracy is None else f"{accuracy:.6f}",
            "training_error": f"{statistics.missed / max(1, statistics.visits):.6f}",
            "asked": len(record.asked),
            "answered": len(record.answered),
            **trained,
            "bytes_down_per_device": round(record.costs.bytes_down / devices),
            "bytes_up_per_device": round(record.costs.bytes_up / devices),
            "macs_per_device": round(record.costs.macs / devices),
            "clipped_parameters": statistics.clipped_parameters,
            "clipped_deltas": statistics.clipped_deltas,
        }

    def _finish(self, state: PlaceT, costs: Costs, seconds: float, doubts: Doubts) -> Result:
        """The result, and with a folder the model, the details and the report."""
        experiment, setup, training = self.experiment, self.setup, self.training
        predictions = training.classify(state, setup.dataset.test.features)
        labels = setup.dataset.test.labels
        classes = setup.network.classes
        confusion = np.bincount(labels * classes + predictions, minlength=classes * classes)
        confusion = confusion.reshape(classes, classes)
        found = scores(confusion)
        doubts.add(after_the_run(found, training.exchanges(state), experiment.held_out))
        source = "experiment.toml"
        if self.folder is not None:
            source = str(self.folder.experiment)
        result = Result(
            accuracy=found.accuracy,
            balanced_accuracy=found.balanced_accuracy,
            commonest_class_share=found.commonest_class_share,
            digest=training.digest(state),
            rounds=experiment.rounds,
            mode=experiment.mode,
            recipe=experiment.recipe,
            dataset=experiment.dataset,
            layers=setup.network.shape,
            devices=experiment.devices,
            engine=experiment.engine if experiment.build_recipe().for_devices else "float32",
            seed=experiment.seed,
            held_out=experiment.held_out,
            held_out_samples=len(labels),
            bytes_up_per_device=round(costs.bytes_up / experiment.devices),
            bytes_down_per_device=round(costs.bytes_down / experiment.devices),
            macs_per_device=round(costs.macs / experiment.devices),
            seconds=round(seconds, 3),
            out=None if self.folder is None else str(self.folder.path),
            dataset_digest=setup.dataset.digest,
            command=f"tifed run {source} --out again",
            extractor_digest=None if setup.extractor is None else setup.extractor.digest,
            warnings=tuple(doubts.said),
            quantisation=setup.dataset.quantisation_report(),
        )
        if self.folder is not None:
            training.save_model(self.folder.model, state)
            if setup.dataset.quantisation is not None:
                setup.dataset.quantisation.save(self.folder.quantisation)
            self.folder.write_json(
                self.folder.details,
                {
                    "confusion": confusion.tolist(),
                    "class_names": setup.dataset.class_names,
                    "device_scores": [asdict(s) for s in training.scores(state)],
                    "partition": setup.partition.table(
                        setup.dataset.train.labels, classes
                    ).tolist(),
                    "partition_kind": setup.partition.kind,
                },
            )
            # Last of the files that the report reads: where it is, the run has finished.
            self.folder.write_json(self.folder.result, asdict(result))
        return result
