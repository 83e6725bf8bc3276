"""The training that an experiment asks for: integers on a fleet, or a baseline for comparison."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tifed.experiment.judge import Judge, SplitJudge
from tifed.experiment.own_judge import Asked, AskedDevices, ComparedDevices, OwnJudge
from tifed.experiment.schema import Experiment
from tifed.experiment.setup import Setup
from tifed.federation import (
    Costs,
    DeviceScore,
    RoundRecord,
    ServerState,
    begin,
    federate,
    published,
)
from tifed.federation.checkpoint import load_checkpoint, save_checkpoint
from tifed.federation.checkpoint_file import Checkpoint
from tifed.federation.training import Training
from tifed.fleets import failing
from tifed.rule.integer.rounding import Integers
from tifed.rule.network import save_model


@dataclass(frozen=True)
class IntegerTraining:
    """The integers' federation.

    Attributes:
        setup: of the run.
        front_end: the name of the one that samples go through, if there is one.
    """

    setup: Setup
    front_end: str | None = None

    def begin(self) -> tuple[ServerState, Costs]:
        """The state before the first round, and what the calibration cost."""
        return begin(self.setup.federation, self.setup.fleet, self.setup.start)

    def rounds(self, state: ServerState) -> Iterator[tuple[ServerState, RoundRecord]]:
        """The rounds that come after ``state``, one per item."""
        return federate(self.setup.federation, self.setup.fleet, state)

    def classify(self, state: ServerState, samples: NDArray[np.int8]) -> Integers:
        """The published model's class (N,) of each sample (N, D)."""
        model = published(self.setup.federation.server, state)
        return self.setup.engine.classify(self.setup.network, model, samples).astype(np.int64)

    def digest(self, state: ServerState) -> str:
        """SHA-256 of the published model."""
        return published(self.setup.federation.server, state).digest

    def exchanges(self, state: ServerState) -> int:
        """How many exchanges changed the model, of the layer that most of them changed."""
        return max(layer.updates for layer in state.layers)

    def scores(self, state: ServerState) -> Iterable[DeviceScore]:
        """How the published model does on each device's own samples."""
        return self.setup.fleet.evaluate(published(self.setup.federation.server, state))

    def save_model(self, path: Path, state: ServerState) -> None:
        """Write the published model."""
        model = published(self.setup.federation.server, state)
        save_model(
            path,
            self.setup.network,
            model,
            energy_shift=state.energy_shift,
            front_end=self.front_end,
        )

    def save_checkpoint(
        self, folder: Path, checkpoint: Checkpoint[ServerState], experiment_digest: str
    ) -> None:
        """Write a checkpoint file."""
        save_checkpoint(folder, checkpoint, experiment_digest)

    def load_checkpoint(self, path: Path, experiment_digest: str) -> Checkpoint[ServerState]:
        """Read a checkpoint file.

        Raises:
            RunError: if it is damaged.
            UsageError: if it is of another experiment.
        """
        return load_checkpoint(path, self.setup.federation, experiment_digest)

    def close(self) -> None:
        """Close the fleet."""
        self.setup.fleet.close()


def training_for(experiment: Experiment, setup: Setup) -> Training[Any]:
    """The experiment's baseline if it names one, else integers."""
    baseline = experiment.build_baseline()
    if baseline is None:
        return IntegerTraining(setup, experiment.front_end)
    fails, lengths = failing(setup.fleet), setup.inputs.lengths
    return baseline.training(
        experiment.mode,
        setup.federation,
        setup.inputs.streams,
        lambda device, number: not lengths[device] or fails(device, number),
    )


def judge_for(experiment: Experiment, setup: Setup, training: Training[Any]) -> Judge[Any]:
    """Who judges the model: the devices if they have their data themselves, else a split of it."""
    if setup.inputs.own_data:
        asked: Asked[Any] = AskedDevices(setup)
        if experiment.baseline is not None:
            asked = ComparedDevices(setup, training)
        return OwnJudge(setup, training, asked, experiment.evaluate_every)
    return SplitJudge(setup, training, setup.dataset, experiment.held_out)
