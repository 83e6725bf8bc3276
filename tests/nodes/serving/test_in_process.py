"""Runs over nodes in this process: what the input's energy chose, class weights."""

from dataclasses import replace

import numpy as np
import pytest
from tests.nodes.direct import Residents

import tifed
from tifed.experiment import Experiment, build, to_toml
from tifed.experiment.identity import identity
from tifed.federation import begin
from tifed.nodes.context import samples_digest
from tifed.nodes.messages.content import MessageError, fit_message, job_runs
from tifed.nodes.serving.fleet import NodeFleet
from tifed.nodes.serving.settings import Settings


def nodes_of(chosen: Experiment) -> Residents:
    return Residents(Settings(to_toml(chosen)), [{}, {}])


def experiment(name: str, shift: int) -> Experiment:
    return Experiment(
        dataset="digits", devices=4, rounds=3, recipe=name, recipe_settings={"shift": shift}
    )


@pytest.mark.parametrize("shift", [-3, 2])
def test_the_digest_is_the_simulators(by_energy: str, shift: int) -> None:
    chosen = experiment(by_energy, shift)
    over, alone = nodes_of(chosen).serve(), tifed.run(chosen)
    assert over.digest == alone.digest
    assert (over.energy, over.energy_shift) == (alone.energy, alone.energy_shift)
    assert over.energy_shift == shift


def test_nodes_repeat_samples_of_rare_classes_and_score_each_once() -> None:
    partition = {"kind": "dirichlet", "alpha": 0.3}
    chosen = Experiment(devices=4, rounds=3, class_weights="balanced", partition=partition)
    setup, nodes = build(chosen), nodes_of(chosen)
    assert nodes.serve().digest == tifed.run(chosen).digest
    fleet = NodeFleet(
        nodes, setup.federation, identity(chosen), samples_digest(chosen, setup), nodes.settings
    )
    scores = list(fleet.evaluate(setup.start))
    assert setup.partition is not None
    assert [score.samples for score in scores] == setup.partition.sizes.tolist()
    assert scores == list(setup.fleet.evaluate(setup.start))
    assert sum(setup.federation.streams) > sum(setup.partition.sizes)


@pytest.mark.parametrize("wrong", [-99, 99, 1.0, "1", None, True])
def test_a_node_takes_no_shift_that_there_is_not(by_energy: str, wrong: object) -> None:
    chosen = experiment(by_energy, 2)
    setup, nodes = build(chosen), nodes_of(chosen)
    state, _ = begin(setup.federation, setup.fleet, setup.start)
    (plan,) = setup.federation.plans(state)
    request = fit_message(identity(chosen), plan, state.parameters)
    values = {**request.values, "energy_shift": wrong}
    if wrong is None:
        del values["energy_shift"]
    jobs = job_runs(plan.jobs.for_devices(np.arange(2)))
    with pytest.raises(MessageError, match="energy_shift is .*, not a whole number in -"):
        nodes.asked(1, replace(request, values=values), {"jobs": jobs})
