"""One run of one setting: rounds, the accuracy after each, the digest at the end."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from tifed.experiment import Setup, build
from tifed.experiment.training import Training, training_for
from tifed.fleets import SimulatedFleet
from tifed.fleets.published import PublishedFleet
from tifed.studies.schedule import Schedule
from tifed.studies.study import FLOAT, Setting
from tifed.studies.wide import NAME as WIDE
from tifed.studies.wide import Wide


class Run(BaseModel):
    """A finished run.

    Attributes:
        setting: its name.
        schedule: federated or published.
        what: the schedule in words.
        seed: of everything random.
        correct: held-out samples classified rightly after each round.
        held_out_samples: of how many.
        digest: SHA-256 of the final round's model; None for floats, which do not repeat.
        clipped: parameters and deltas that reached their bound.
        seconds: spent on the run, evaluation of every round included.
        engine: who computed the learning rule.
        dataset_digest: SHA-256 of the samples.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    setting: str
    schedule: Schedule
    what: str
    seed: int
    correct: tuple[int, ...]
    held_out_samples: int
    digest: str | None
    clipped: int
    seconds: float
    engine: str
    dataset_digest: str

    @property
    def accuracies(self) -> tuple[float, ...]:
        """Accuracy after each round, fractions."""
        return tuple(count / self.held_out_samples for count in self.correct)

    @property
    def final(self) -> float:
        """Accuracy after the last round: the result."""
        return self.accuracies[-1]

    @property
    def best(self) -> float:
        """The best round's, found by looking at the test split: for comparison only."""
        return max(self.accuracies)


def play(setting: Setting, schedule: Schedule, seed: int, data_dir: Path | None = None) -> Run:
    """Run ``setting`` with ``seed`` for everything.

    Raises:
        UsageError: if the data are not there or do not fit.
        RunError: if the float baseline diverges.
    """
    experiment = setting.experiment.model_copy(update={"seed": seed})
    setup = build(experiment, data_dir)
    began = time.monotonic()
    if setting.wide:
        setup = replace(setup, inputs=replace(setup.inputs, engine=Wide()))
    if schedule is Schedule.PUBLISHED:
        setup = replace(setup, fleet=_accident(setup))
    training = training_for(experiment, setup)
    correct, clipped, digest = _rounds(training, setup)
    return Run(
        setting=setting.name,
        schedule=schedule,
        what=schedule.label,
        seed=seed,
        correct=correct,
        held_out_samples=len(setup.dataset.test.labels),
        digest=None if setting.method == FLOAT else digest,
        clipped=clipped,
        seconds=round(time.monotonic() - began, 3),
        engine=_engine_name(setting),
        dataset_digest=setup.dataset.digest,
    )


def _engine_name(setting: Setting) -> str:
    """Who computes the learning rule."""
    if setting.method == FLOAT:
        return "float32"
    return WIDE if setting.wide else setting.experiment.engine


def _accident(setup: Setup) -> PublishedFleet:
    """The same devices with one weight array between them."""
    return PublishedFleet(SimulatedFleet(setup.inputs))


def _rounds(training: Training[Any], setup: Setup) -> tuple[tuple[int, ...], int, str]:
    """Held-out samples right after each round, values clipped, and the final digest."""
    test = setup.dataset.test
    correct, clipped = [], 0
    try:
        state, _ = training.begin()
        for after, record in training.rounds(state):
            state = after
            answers = training.classify(state, test.features)
            correct.append(int(np.count_nonzero(answers == test.labels)))
            clipped += record.statistics.clipped_parameters + record.statistics.clipped_deltas
        return tuple(correct), clipped, training.digest(state)
    finally:
        training.close()
