"""Noise at a node: added before anything leaves it, and expected by the server."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("dp_accounting", reason="needs pip install 'tifed[privacy]'")

import tifed
from tifed.errors import UsageError
from tifed.experiment import Experiment, Setup, build, to_toml
from tifed.experiment.identity import identity
from tifed.federation import DeviceScore, FeatureSums, LayerSum, Plan, Update, begin
from tifed.federation.noise import Noise
from tifed.federation.sum_numbers import SumNumbers
from tifed.fleets import NoisyFleet
from tifed.nodes.acceptance import ANY
from tifed.nodes.answer import answer
from tifed.nodes.context import DeviceSelection, NodeContext, simulated_context
from tifed.nodes.gateway.board_pool import BoardPool, BoardTerms, Lines
from tifed.nodes.messages.check import checked_scores, checked_update
from tifed.nodes.messages.content import (
    Content,
    MessageError,
    fit_message,
    job_runs,
    message,
    parameter_arrays,
    update_message,
)
from tifed.nodes.messages.device_ranges import to_ranges
from tifed.nodes.own_fleet import OwnHostedFleet
from tifed.nodes.terms import NODE, NodeTerms
from tifed.rule.integer.rounding import Integers
from tifed.rule.network import Parameters

OPEN = NodeTerms.open()
PRIVACY = {"noise_multiplier": 1, "clip": 1000, "centre": -64, "noise_seed": 5}
EXPERIMENT = Experiment(devices=4, rounds=3, layers=(64, 4, 10), privacy=PRIVACY)


@dataclass(frozen=True)
class Behind:
    """The devices of some nodes, asked by messages as over Flower."""

    setup: Setup
    nodes: Sequence[NodeContext]

    def calibrate(self, devices: Sequence[int], samples: int) -> Iterator[FeatureSums]:
        raise NotImplementedError

    def fit(self, plan: Plan, parameters: Parameters) -> Iterator[Update]:
        for node in self.nodes:
            own = np.arange(node.devices.start, node.devices.stop)
            content = answered(self.setup, node, plan, parameters, own)
            part = replace(plan, jobs=plan.jobs.for_devices(own))
            yield checked_update(content, SumNumbers(self.setup.federation, part, parameters))

    def evaluate(self, parameters: Parameters) -> Iterator[DeviceScore]:
        for node in self.nodes:
            request = message("evaluate", node.experiment, parameter_arrays(parameters))
            asked = np.arange(node.devices.start, node.devices.stop)
            yield from checked_scores(answer(node, request), self.setup.federation, asked)

    def close(self) -> None:
        """Nothing to give back."""


def answered(
    setup: Setup, node: NodeContext, plan: Plan, parameters: Parameters, own: Integers
) -> Content:
    request = fit_message(identity(EXPERIMENT), plan, parameters)
    jobs = {"jobs": job_runs(plan.jobs.for_devices(own))}
    return answer(node, Content(request.kind, request.values, {**request.arrays, **jobs}))


def nodes(count: int) -> list[NodeContext]:
    toml = to_toml(EXPERIMENT)
    return [simulated_context(toml, DeviceSelection((n, count)), terms=OPEN) for n in range(count)]


def test_one_node_with_all_devices_ends_with_the_digest_of_the_simulation() -> None:
    """More of them have more noise, so theirs is another one: each node's sum has all of it."""
    here = tifed.run(EXPERIMENT)
    one, two = (
        tifed.run(EXPERIMENT, fleet=lambda setup, n=n: Behind(setup, nodes(n)))  # type: ignore[misc]
        for n in (1, 2)
    )
    assert one.digest == here.digest
    assert two.digest != here.digest


@pytest.fixture
def asked() -> tuple[Setup, NodeContext, Plan]:
    setup = build(EXPERIMENT)
    state, _ = begin(setup.federation, setup.fleet, setup.start)
    return setup, nodes(1)[0], next(setup.federation.plans(state))


def test_a_server_believes_noise_but_no_counts(asked: tuple[Setup, NodeContext, Plan]) -> None:
    setup, node, plan = asked
    content = answered(setup, node, plan, setup.start, plan.jobs.device)
    assert content.values["statistics"] == [0, 0, 0, 0]
    counted = Content("fit", {**content.values, "statistics": [80, 0, 0, 0]}, content.arrays)
    with pytest.raises(MessageError, match="tells what was counted in training"):
        checked_update(counted, SumNumbers(setup.federation, plan, setup.start))


@pytest.mark.parametrize(("masked", "sites"), [(False, 1), (True, 4)])
def test_a_sum_has_as_much_noise_as_there_may_be_sites_in_it(
    asked: tuple[Setup, NodeContext, Plan], masked: bool, sites: int
) -> None:
    """Beyond what devices can send it is noise; under masks that of each site, of a device each."""
    setup, node, plan = asked
    settings = EXPERIMENT.model_dump()
    settings["privacy"]["secure_aggregation"] = masked
    federation = build(Experiment(**settings)).federation
    content = answered(setup, node, plan, setup.start, plan.jobs.device)
    numbers = SumNumbers(federation, plan, setup.start)
    most = 32767 * 4 + sites * 64 * 1000  # times the 20 samples that each of 4 devices counts with
    for value, fine in ((most, True), (most + 1, False), (-most, True), (-most - 1, False)):
        sums = content.arrays["sums"].copy().view("<i4")
        sums[-1] = value
        changed = Content("fit", content.values, {**content.arrays, "sums": sums.view(np.uint8)})
        if fine:
            checked_update(changed, numbers)
        else:
            with pytest.raises(MessageError, match="biases has a sum beyond"):
                checked_update(changed, numbers)


def test_a_site_that_shares_noise_answers_for_every_layer(
    asked: tuple[Setup, NodeContext, Plan],
) -> None:
    setup, _, plan = asked
    noise = Noise.of(1000, 1, sites=2)
    federation = replace(setup.federation, noise=noise)
    layers = {
        number: LayerSum(
            np.full((layer.fan_in, layer.fan_out), 140), np.full(layer.fan_out, 140), 0, 0
        )
        for number, layer in enumerate(setup.network.layers)
    }
    numbers = SumNumbers(federation, plan, setup.start)
    content = update_message("it", numbers, Update(layers=layers))
    found = checked_update(content, numbers)
    assert {n: (part.samples, int(part.bias[0])) for n, part in found.layers.items()} == {
        0: (0, 140), 1: (0, 140),
    }  # fmt: skip
    with pytest.raises(MessageError, match=r"has layers \[0, 1\], not \[\]"):
        checked_update(content, replace(numbers, federation=setup.federation))


def test_boards_and_data_of_a_nodes_own_are_behind_noise_as_well() -> None:
    lines = Lines(tuple(f"tcp:127.0.0.1:{port}" for port in range(1, 5)))
    pool = BoardPool(lines, BoardTerms(accepts=ANY))
    try:
        assert isinstance(
            pool.context(to_toml(EXPERIMENT), DeviceSelection(first=0)).fleet, NoisyFleet
        )
    finally:
        pool.close()
    on_devices = Experiment(
        dataset="on-devices", own_data=True, devices=4, rounds=3, layers=(64, 4, 10),
        data={"class_names": [str(digit) for digit in range(10)]}, privacy=PRIVACY,
    )  # fmt: skip
    for terms in (
        NodeTerms(accepts=ANY, dataset="digits", dataset_of=NODE),
        NodeTerms(accepts=ANY, dataset="digits"),
    ):
        node = simulated_context(to_toml(on_devices), DeviceSelection((0, 2)), terms=terms)
        assert isinstance(node.fleet, OwnHostedFleet)
        assert isinstance(node.fleet.setup.fleet, NoisyFleet)


def test_a_node_tells_nothing_without_noise(asked: tuple[Setup, NodeContext, Plan]) -> None:
    setup, node, plan = asked
    request = message(
        "calibrate", node.experiment, {"devices": to_ranges(np.arange(4))}, samples=50
    )
    refused: Any = answer(node, request).values["refused"]
    assert refused.startswith("will not sum 50 samples of each device: this experiment's")
    scores = answer(node, message("evaluate", node.experiment, parameter_arrays(setup.start)))
    assert scores.arrays["scores"].shape == (0, 3)
    jobs = replace(plan.jobs, samples=np.full(4, 21))
    content = answered(setup, node, replace(plan, jobs=jobs), setup.start, plan.jobs.device)
    assert content.values["refused"].startswith("will not train device 0 with samples 21")
    with pytest.raises(UsageError, match="privacy: will not calibrate"):
        list(node.fleet.calibrate([0], 50))
