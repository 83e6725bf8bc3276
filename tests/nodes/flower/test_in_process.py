"""Runs over Flower's messages in one process: what the input's energy chose, class weights."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest

pytest.importorskip("flwr", reason="needs Flower: pip install 'tifed[flower]'")

from flwr.app import Context, RecordDict

import tifed
from tifed.experiment import Experiment, Setup, build, to_toml
from tifed.experiment.identity import identity
from tifed.federation import (
    DeviceScore,
    FeatureSums,
    Plan,
    Update,
    begin,
    federate,
    published,
)
from tifed.federation.sum_numbers import SumNumbers
from tifed.nodes.flower.client import reply
from tifed.nodes.flower.format import pack, unpack
from tifed.nodes.messages.check import checked_scores, checked_sums, checked_update
from tifed.nodes.messages.content import (
    Arrays,
    Content,
    MessageError,
    fit_message,
    job_runs,
    message,
    parameter_arrays,
)
from tifed.nodes.messages.device_ranges import to_ranges
from tifed.nodes.serving.settings import Settings
from tifed.rule.integer.rounding import Integers
from tifed.rule.network import Parameters

NODES = 2


@dataclass
class Packed:
    """Asks nodes in this process, in Flower's records."""

    setup: Setup
    experiment: Experiment

    def calibrate(self, devices: Sequence[int], samples: int) -> Iterator[FeatureSums]:
        request = message("calibrate", identity(self.experiment), {}, samples=samples)
        for node, own in enumerate(np.array_split(np.asarray(devices), NODES)):
            answer = self.asked(node, request, {"devices": to_ranges(own)})
            yield checked_sums(answer, self.setup.federation, own, samples)

    def fit(self, plan: Plan, parameters: Parameters) -> Iterator[Update]:
        request = fit_message(identity(self.experiment), plan, parameters)
        for node, own in enumerate(np.array_split(plan.jobs.device, NODES)):
            jobs = plan.jobs.for_devices(own)
            answer = self.asked(node, request, {"jobs": job_runs(jobs)})
            yield checked_update(
                answer, SumNumbers(self.setup.federation, replace(plan, jobs=jobs), parameters)
            )

    def evaluate(self, parameters: Parameters) -> Iterator[DeviceScore]:
        request = message("evaluate", identity(self.experiment), parameter_arrays(parameters))
        federation = self.setup.federation
        for node, own in enumerate(np.array_split(np.arange(federation.devices), NODES)):
            yield from checked_scores(self.asked(node, request, {}), federation, own)

    def close(self) -> None:
        pass

    def asked(self, node: int, request: Content, more: Arrays) -> Content:
        context = Context(1, 2, {"partition-id": node, "num-partitions": NODES}, RecordDict(), {})
        settings = Settings(to_toml(self.experiment))
        asked = pack(request, {**request.arrays, **more})
        records = reply(asked, context, settings)
        return unpack(records, request.kind, identity(self.experiment))


def experiment(name: str, shift: int) -> Experiment:
    return Experiment(
        dataset="digits", devices=4, rounds=3, recipe=name, recipe_settings={"shift": shift}
    )


@pytest.mark.parametrize("shift", [-3, 2])
def test_the_digest_is_the_simulators(by_energy: str, shift: int) -> None:
    chosen = experiment(by_energy, shift)
    setup = build(chosen)
    fleet = Packed(setup, chosen)
    state, _ = begin(setup.federation, fleet, setup.start)
    assert state.energy_shift == shift
    for after, _ in federate(setup.federation, fleet, state):
        state = after
    alone = tifed.run(chosen)
    assert published(setup.federation.server, state).digest == alone.digest
    assert (alone.energy, alone.energy_shift) == (state.energy, shift)


def test_nodes_repeat_samples_of_rare_classes_and_score_each_once() -> None:
    partition = {"kind": "dirichlet", "alpha": 0.3}
    chosen = Experiment(devices=4, rounds=3, class_weights="balanced", partition=partition)
    setup = build(chosen)
    fleet = Packed(setup, chosen)
    state, _ = begin(setup.federation, fleet, setup.start)
    for after, _ in federate(setup.federation, fleet, state):
        state = after
    assert published(setup.federation.server, state).digest == tifed.run(chosen).digest
    scores = list(fleet.evaluate(setup.start))
    assert setup.partition is not None
    assert [score.samples for score in scores] == setup.partition.sizes.tolist()
    assert scores == list(setup.fleet.evaluate(setup.start))
    assert sum(setup.federation.streams) > sum(setup.partition.sizes)


@pytest.mark.parametrize("wrong", [-99, 99, 1.0, "1", None, True])
def test_a_node_takes_no_shift_that_there_is_not(by_energy: str, wrong: object) -> None:
    chosen = experiment(by_energy, 2)
    setup = build(chosen)
    fleet = Packed(setup, chosen)
    state, _ = begin(setup.federation, fleet, setup.start)
    (plan,) = setup.federation.plans(state)
    request = fit_message(identity(chosen), plan, state.parameters)
    values = {**request.values, "energy_shift": wrong}
    if wrong is None:
        del values["energy_shift"]
    jobs: Integers = job_runs(plan.jobs.for_devices(np.arange(2)))
    with pytest.raises(MessageError, match="energy_shift is .*, not a whole number in -"):
        fleet.asked(0, replace(request, values=values), {"jobs": jobs})
