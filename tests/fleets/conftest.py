"""Runs of small experiments, with what every test of them needs to see."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tifed.experiment import Experiment
from tifed.experiment.setup import Setup, build
from tifed.federation import Costs, Fleet, begin, federate, published
from tifed.fleets.emulated import EmulatedFleet


@dataclass(frozen=True)
class Outcome:
    """What came of a run.

    Attributes:
        digest: of the published model.
        answered: per round the devices that sent an update.
    """

    digest: str
    answered: tuple[tuple[int, ...], ...]


def run_with(
    setup: Setup, fleet: Fleet, watch: Callable[[Costs], None] = lambda costs: None
) -> Outcome:
    try:
        state, _ = begin(setup.federation, fleet, setup.start)
        answered = []
        for after, record in federate(setup.federation, fleet, state):
            state = after
            answered.append(tuple(record.answered.tolist()))
            watch(record.costs)
        return Outcome(published(setup.federation.server, state).digest, tuple(answered))
    finally:
        fleet.close()


Runner = Callable[..., Outcome]


@pytest.fixture(scope="session")
def simulated() -> Runner:
    """Runs an experiment in this process; ``wrap`` may put something around the fleet."""

    def run(wrap: Callable[[Fleet], Fleet] = lambda fleet: fleet, **settings: Any) -> Outcome:
        setup = build(Experiment(**settings))
        return run_with(setup, wrap(setup.fleet))

    return run


@pytest.fixture(scope="session")
def emulated() -> Runner:
    """Runs an experiment on emulated boards; ``change`` may change the fleet before it starts."""

    def run(
        change: Callable[[EmulatedFleet], Any] = lambda fleet: None, **settings: Any
    ) -> Outcome:
        setup = build(Experiment(fleet="emulated", **settings))
        assert isinstance(setup.fleet, EmulatedFleet)
        change(setup.fleet)
        return run_with(setup, setup.fleet)

    return run
