"""One run of one setting: rounds, the accuracy after each, the digest at the end."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from tifed.baselines import FloatFedAvg, predict
from tifed.device import Stream
from tifed.experiment import Setup, build
from tifed.federation import Fleet, begin, federate
from tifed.federation import published as published_model
from tifed.fleets import SimulatedFleet
from tifed.fleets.published import PublishedFleet
from tifed.learning import feedback_matrices
from tifed.reproduce.schedule import Schedule
from tifed.reproduce.study import FLOAT, Setting
from tifed.reproduce.wide import NAME as WIDE
from tifed.reproduce.wide import Wide


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
    setup = build(setting.experiment.model_copy(update={"seed": seed}), data_dir)
    began = time.monotonic()
    if setting.wide:
        setup = replace(setup, engine=Wide())
    rounds = _floats(setup) if setting.method == FLOAT else _integers(setup, schedule)
    correct, digests, clipped = zip(*rounds, strict=True)
    return Run(
        setting=setting.name,
        schedule=schedule,
        what=schedule.label,
        seed=seed,
        correct=correct,
        held_out_samples=len(setup.dataset.test.labels),
        digest=digests[-1],
        clipped=sum(clipped),
        seconds=round(time.monotonic() - began, 3),
        engine=_engine_name(setting),
        dataset_digest=setup.dataset.digest,
    )


def _engine_name(setting: Setting) -> str:
    """Who computes the learning rule."""
    if setting.method == FLOAT:
        return "float32"
    return WIDE if setting.wide else setting.experiment.engine


_Round = tuple[int, str | None, int]
"""Held-out samples right, digest, and values clipped in a round."""


def _integers(setup: Setup, schedule: Schedule) -> Iterator[_Round]:
    """The rounds of the integer recipes."""
    test, federation = setup.dataset.test, setup.federation
    fleet: Fleet = setup.fleet
    if schedule is Schedule.PUBLISHED:
        feedback = feedback_matrices(setup.network, federation.seed)
        workers = SimulatedFleet(
            setup.engine, setup.network, feedback, _streams(setup), federation.batch,
            federation.seed,
        )  # fmt: skip
        fleet = PublishedFleet(workers)
    try:
        state, _ = begin(federation, fleet, setup.start)
        for after, record in federate(federation, fleet, state):
            model = published_model(federation.server, after)
            answers = setup.engine.classify(setup.network, model, test.features)
            counts = record.statistics
            yield (
                int(np.count_nonzero(answers == test.labels)),
                model.digest,
                counts.clipped_parameters + counts.clipped_deltas,
            )
    finally:
        fleet.close()


def _floats(setup: Setup) -> Iterator[_Round]:
    """The rounds of float FedAvg under the same plans."""
    test = setup.dataset.test
    for record in FloatFedAvg().run(setup.federation, _streams(setup)):
        answers = predict(record.parameters, test.features)
        yield int(np.count_nonzero(answers == test.labels)), None, 0


def _streams(setup: Setup) -> tuple[Stream, ...]:
    """Every device's samples."""
    train = setup.dataset.train
    return tuple(Stream(train.features, train.labels, own) for own in setup.partition.indices)
