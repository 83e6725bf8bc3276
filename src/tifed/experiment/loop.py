"""The rounds of one run: evaluation, metrics, checkpoints, and the result at the end."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Generic

from tifed.errors import RunError, UsageError
from tifed.experiment.contributions import contribution_rows
from tifed.experiment.doubts import Doubts, before_the_run, far_out, no_exchange_counted
from tifed.experiment.folder import RunFolder
from tifed.experiment.health import away, changes
from tifed.experiment.identity import identity
from tifed.experiment.judge import Judge
from tifed.experiment.metrics import RoundRow
from tifed.experiment.privacy import doubts_of_privacy
from tifed.experiment.privacy_spent import Spending
from tifed.experiment.result import Details, Result
from tifed.experiment.schema import Experiment
from tifed.experiment.setup import Setup, partition_digest
from tifed.federation import Costs, InsistentFleet, RoundRecord
from tifed.federation.checkpoint_file import Checkpoint, checkpoint_files
from tifed.federation.plan import StateT
from tifed.federation.training import Training


@dataclass(frozen=True)
class Progress:
    """What a watcher is told after each round.

    Attributes:
        record: what happened in the round.
        row: the same as ``metrics.csv`` has it.
        rounds: rounds of the whole run.
        accuracy: of the published model on held-out data, or None if it was not evaluated.
        costs: totals over devices since the run began.
        devices: devices in the fleet.
    """

    record: RoundRecord
    row: RoundRow
    rounds: int
    accuracy: float | None
    costs: Costs
    devices: int


Watcher = Callable[[Progress], None]


@dataclass(frozen=True)
class Loop(Generic[StateT]):
    """One process's part of a run.

    Attributes:
        experiment: what is run.
        setup: its parts.
        training: integers or floats on them.
        judge: says how good the model is.
        folder: where it is written; None for nowhere.
        watch: told of every round.
        warn: told of what makes the result doubtful, and of damaged files that were passed over.
    """

    experiment: Experiment
    setup: Setup
    training: Training[StateT]
    judge: Judge[StateT]
    folder: RunFolder | None
    watch: Watcher | None
    warn: Callable[[str], None]

    def to_the_end(self, resume: bool) -> Result:
        """Every round that is left, then the result."""
        federation, training = self.setup.federation, self.training
        began = time.monotonic()
        doubts = Doubts(self.warn)
        doubts.add(before_the_run(self.experiment))
        doubts.add(doubts_of_privacy(self.experiment))
        spending = self._spending()
        if self.setup.data is not None:
            doubts.add(self.setup.dataset.warnings)
        doubts.add(self.judge.begin())
        before = self._newest_checkpoint() if resume else None
        lost: set[int] = set()
        if self.folder is not None and resume:
            lost = away(self.folder.back_to(before.state.round if before else 0, self.warn))
        if before is None:
            state, costs = training.begin()
            before = Checkpoint(state, costs, 0.0)
        state, costs = before.state, before.costs
        # What is not on the disk yet: no more than the rounds since the last checkpoint.
        rows: list[RoundRow] = []
        health: list[Mapping[str, Any]] = []
        contributions: list[Mapping[str, Any]] = []
        if spending is not None and resume:
            spending.go_on(state.round)
        for after, record in self._rounds(state, spending):
            state, accuracy = after, None
            if state.round % self.experiment.evaluate_every == 0:
                accuracy, spent = self.judge.accuracy(state)
                record = replace(record, costs=record.costs + spent)
            costs += record.costs
            row = RoundRow.of(record, accuracy, federation.devices, self.setup.network.depth)
            rows.append(row)
            changed = changes(lost, record)
            lost.symmetric_difference_update(change["device"] for change in changed)
            health += changed
            if self.folder is not None:
                contributions += contribution_rows(record)
            last = state.round == federation.rounds
            if self.folder is not None and (
                last or state.round % self.experiment.checkpoint_every == 0
            ):
                # Rows first: a checkpoint without its row could not be mended afterwards.
                self.folder.append_metrics(rows)
                self.folder.append_health(health)
                self.folder.append_contributions(contributions)
                rows, health, contributions = [], [], []
                seconds = before.seconds + time.monotonic() - began
                checkpoint = Checkpoint(state, costs, seconds)
                training.save_checkpoint(self.folder.checkpoints, checkpoint, self._identity)
            if self.watch is not None:
                self.watch(
                    Progress(record, row, federation.rounds, accuracy, costs, federation.devices)
                )
        seconds = before.seconds + time.monotonic() - began
        return self._finish(state, costs, seconds, doubts, spending)

    @cached_property
    def _identity(self) -> str:
        """Names experiment and data, so that a checkpoint of others is refused."""
        more = {"data": self.setup.data_digest}
        dealt = partition_digest(self.experiment, self.setup)
        if dealt is not None:
            more["partition"] = dealt
        return identity(self.experiment, self.setup.network, **more)

    def _newest_checkpoint(self) -> Checkpoint[StateT] | None:
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

    def _spending(self) -> Spending | None:
        """Counts what the run gives away; None without noise."""
        federation = self.setup.federation
        if federation.noise is None:
            return None
        spending = Spending(self.experiment, federation, federation.noise, self.folder)
        if isinstance(self.setup.fleet, InsistentFleet):
            self.setup.fleet.again = spending.again
        return spending

    def _rounds(
        self, state: StateT, spending: Spending | None
    ) -> Iterator[tuple[StateT, RoundRecord]]:
        """The rounds after ``state``, each written down before it begins if it gives away."""
        rounds = self.training.rounds(state)
        for number in range(state.round, self.setup.federation.rounds):
            if spending is not None:
                spending.begin(number)
            yield next(rounds)

    def _finish(
        self,
        state: StateT,
        costs: Costs,
        seconds: float,
        doubts: Doubts,
        spending: Spending | None,
    ) -> Result:
        """The result, and with a folder the model, the details and the report."""
        experiment, setup, training = self.experiment, self.setup, self.training
        found = self.judge.finish(state)
        costs += found.costs
        doubts.add(no_exchange_counted(training.exchanges(state)))
        doubts.add(far_out(state.far, state.exchange))
        doubts.add(found.doubts)
        baseline, dealt = experiment.build_baseline(), setup.data
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
            baseline=experiment.baseline,
            dataset=experiment.dataset,
            layers=setup.network.shape,
            devices=experiment.devices,
            engine=experiment.engine if baseline is None else baseline.arithmetic,
            seed=experiment.seed,
            held_out=found.held_out,
            held_out_samples=found.samples,
            bytes_up_per_device=round(costs.bytes_up / experiment.devices),
            bytes_down_per_device=round(costs.bytes_down / experiment.devices),
            macs_per_device=round(costs.macs / experiment.devices),
            seconds=round(seconds, 3),
            out=None if self.folder is None else str(self.folder.path),
            dataset_digest=setup.data_digest,
            command=f"tifed run {source} --out again",
            front_end=experiment.front_end,
            extractor_digest=None if setup.extractor is None else setup.extractor.digest,
            energy=state.energy,
            energy_shift=state.energy_shift,
            warnings=tuple(doubts.said),
            quantisation=None if dealt is None else dealt.dataset.quantisation_report(),
            test_accuracy=found.test_accuracy,
            own=found.own,
            privacy=None if spending is None else spending.outcome(),
        )
        if self.folder is not None:
            training.save_model(self.folder.model, state)
            quantisation = setup.samples.quantisation
            if quantisation is not None:
                quantisation.save(self.folder.quantisation)
            owned: list[list[int]] = []
            # Boards with data of their own have whatever they have.
            elsewhere = experiment.own_data and experiment.build_fleet_kind().brings_data
            if dealt is not None and not elsewhere:
                labels, classes = dealt.dataset.train.labels, dealt.dataset.classes
                owned = dealt.partition.table(labels, classes).tolist()
            details = Details(
                confusion=found.confusion,
                class_names=setup.samples.class_names,
                device_scores=tuple(found.devices),
                partition=owned,
                partition_kind="own" if dealt is None else dealt.partition.kind,
                own_devices=found.own_devices,
            )
            self.folder.write_content(self.folder.details, details)
            # Last of the files that the report reads: where it is, the run has finished.
            self.folder.write_content(self.folder.result, result)
        return result
