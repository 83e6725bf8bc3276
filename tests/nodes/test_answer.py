"""What a node with data of its own answers, and what it does not, whatever carries the messages."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tifed.errors import UsageError
from tifed.experiment import Setup, build, load_experiment, to_toml
from tifed.experiment.identity import identity
from tifed.federation import Plan, ScheduleState, begin, personal_work
from tifed.nodes.acceptance import ANY
from tifed.nodes.answer import answer
from tifed.nodes.context import DeviceSelection, NodeContext, simulated_context
from tifed.nodes.least import LeastSamples
from tifed.nodes.messages.content import (
    Content,
    fit_message,
    job_runs,
    message,
    parameter_arrays,
)
from tifed.nodes.messages.own_data import counts_message, keep_message, personalise_message
from tifed.nodes.node import Node, Request
from tifed.nodes.resident import ResidentNode
from tifed.nodes.terms import NodeTerms

OWN = ["own_data=true", "layers=[64,4,10]", "devices=4", "rounds=3", "personal.rounds=1"]
EXPERIMENT = load_experiment(overrides=OWN)
NAME = identity(EXPERIMENT)
LAST_TWO = DeviceSelection(partition=(1, 2))


@pytest.fixture(scope="module")
def setup() -> Setup:
    return build(EXPERIMENT)


@pytest.fixture(scope="module")
def node() -> NodeContext:
    return simulated_context(to_toml(EXPERIMENT), LAST_TWO, None, NodeTerms(accepts=ANY))


def calibration(samples: int) -> Content:
    return message("calibrate", NAME, {"devices": np.array([[2, 1]])}, samples=samples)


def refused(node: NodeContext, content: Content) -> str:
    found = answer(node, content)
    assert found.kind == "refusal"
    assert not found.arrays
    return str(found.values["refused"])


def test_a_server_takes_no_sample_out_of_sums(setup: Setup, node: NodeContext) -> None:
    count = setup.federation.calibration_samples
    for samples in (1, 2, count - 1, count + 1, 1000):
        reason = refused(node, calibration(samples))
        assert reason == (
            f"will not sum {samples} samples of each device: this experiment's calibration is over "
            f"{count}"
        )
    allowed = answer(node, calibration(count))
    expected, _ = setup.inputs.streams[2].read(0, count)
    assert np.array_equal(allowed.arrays["total"], expected.sum(axis=0, dtype=np.int64))


def test_a_server_whose_experiment_sums_few_samples_is_refused() -> None:
    few = load_experiment(overrides=[*OWN, "recipe_settings.calibration=3"])
    node = simulated_context(to_toml(few), LAST_TWO, None, NodeTerms(accepts=ANY))
    content = message("calibrate", identity(few), {"devices": np.array([[2, 1]])}, samples=3)
    assert refused(node, content) == (
        "will not sum 3 samples of a device: its owner asks for at least 50"
    )


def planned(setup: Setup) -> tuple[Plan, Any]:
    """The first exchange of the node's devices, and the parameters."""
    state, _ = begin(setup.federation, setup.fleet, setup.start)
    plan = next(setup.federation.plans(state))
    return replace(plan, jobs=plan.jobs.for_devices(np.array([2, 3]))), state.parameters


def test_a_server_gets_no_update_of_a_single_sample(setup: Setup, node: NodeContext) -> None:
    plan, parameters = planned(setup)

    def asked(plan: Plan) -> Content:
        content = fit_message(NAME, plan, parameters)
        content.arrays["jobs"] = job_runs(plan.jobs)
        return content

    assert answer(node, asked(plan)).kind == "fit"
    for change in ({"samples": 1, "steps": 5}, {"steps": 1}, {"position": 7}):
        columns = {name: np.full_like(plan.jobs.device, n) for name, n in change.items()}
        reason = refused(node, asked(replace(plan, jobs=replace(plan.jobs, **columns))))
        assert reason.startswith("will not train device 2 with ")


def test_an_update_of_one_mini_batch_is_by_its_samples() -> None:
    """The rule is the owner's, although the experiment itself asks for it."""
    fine = load_experiment(overrides=[*OWN, "average_every=mini-batch", "batch=4"])
    setup = build(fine)
    plan, parameters = (
        next(setup.federation.plans(begin(setup.federation, setup.fleet, setup.start)[0])),
        setup.start,
    )
    plan = replace(plan, jobs=plan.jobs.for_devices(np.array([2, 3])))
    node = simulated_context(to_toml(fine), LAST_TWO, None, NodeTerms(accepts=ANY))
    content = fit_message(identity(fine), plan, parameters)
    content.arrays["jobs"] = job_runs(plan.jobs)
    assert refused(node, content) == (
        "will not train device 2 on 4 samples alone: its owner asks for at least 10 in an update"
    )
    ready = NodeTerms(accepts=ANY, least=LeastSamples(update=4))
    assert answer(simulated_context(to_toml(fine), LAST_TWO, None, ready), content).kind == "fit"


def test_a_node_answers_for_its_own_devices_alone(setup: Setup, node: NodeContext) -> None:
    counts = answer(node, counts_message(NAME)).arrays["counts"].tolist()
    assert [row[0] for row in counts] == [2, 3]
    for device, training, held_out, *least in counts:
        assert training == len(setup.inputs.streams[device])
        assert held_out == len(setup.inputs.held_out[device])
        assert least == [10, 50, 10]
    scores = answer(node, message("evaluate", NAME, parameter_arrays(setup.start)))
    assert [row[0] for row in scores.arrays["scores"].tolist()] == [2, 3]
    assert answer(node, keep_message(NAME, setup.start, 3)).kind == "keep"
    state = ScheduleState(3, 3, np.zeros(4, np.int64))
    work = personal_work(setup.federation, state)
    assert work is not None
    personal = answer(node, personalise_message(NAME, setup.start, work))
    expected = [
        [s.device, s.before, s.after, s.samples]
        for s in setup.fleet.personalise(setup.start, work)  # type: ignore[attr-defined]
        if s.device in (2, 3)
    ]
    assert personal.arrays["scores"].tolist() == expected
    assert "rounds 2" in refused(
        node, personalise_message(NAME, setup.start, replace(work, rounds=2))
    )
    assert "this experiment has 3 rounds" in refused(node, keep_message(NAME, setup.start, 4))


def test_what_goes_with_own_data_is_refused_without(setup: Setup) -> None:
    sent = load_experiment(overrides=["layers=[64,4,10]", "devices=4", "rounds=3"])
    node = simulated_context(to_toml(sent), LAST_TWO)
    for content in (counts_message(identity(sent)), keep_message(identity(sent), setup.start, 1)):
        assert refused(node, content) == (
            "asks for what goes with own_data = true, which this run has not"
        )


def test_without_own_data_a_node_does_what_follows_from_the_experiment_as_well() -> None:
    sent = load_experiment(overrides=["layers=[64,4,10]", "devices=4", "rounds=3"])
    node, setup = simulated_context(to_toml(sent), LAST_TWO), build(sent)
    for samples in (*range(1, 12), setup.federation.calibration_samples + 1):
        sums = message(
            "calibrate", identity(sent), {"devices": np.array([[2, 1]])}, samples=samples
        )
        assert refused(node, sums).startswith(f"will not sum {samples} samples of each device: ")
    plan, parameters = planned(setup)
    for change in ({"steps": 1 << 31}, {"samples": 1, "steps": 1}, {"position": 7}):
        columns = {name: np.full_like(plan.jobs.device, n) for name, n in change.items()}
        content = fit_message(identity(sent), plan, parameters)
        content.arrays["jobs"] = job_runs(replace(plan.jobs, **columns))
        assert refused(node, content).startswith("will not train device 2 with ")
    few = load_experiment(
        overrides=["layers=[64,4,10]", "devices=4", "recipe_settings.calibration=3"]
    )
    sums = message("calibrate", identity(few), {"devices": np.array([[2, 1]])}, samples=3)
    assert refused(simulated_context(to_toml(few), LAST_TWO), sums) == (
        "will not sum 3 samples of a device: its owner asks for at least 50"
    )


def test_a_server_names_no_file_that_is_not_there_for_it(tmp_path: Path) -> None:
    secret, served = tmp_path / "secret.csv", tmp_path / "served"
    served.mkdir()
    for path in (secret, served / "mine.csv"):
        path.write_text("a,label\n1,0\nsecret-word,1\n")

    def reason(dataset: Path, terms: NodeTerms | None = None) -> str:
        text = to_toml(load_experiment(overrides=[f"dataset={dataset}", "devices=4"]))
        with pytest.raises(UsageError) as error:
            simulated_context(text, LAST_TWO, served, terms)
        assert "secret-word" not in str(error.value)
        return str(error.value)

    assert "is not in the folder whose files may be used here" in reason(secret)
    built = "the experiment cannot be built with the files of this machine; the log here says why"
    assert reason(served / "mine.csv") == built
    assert reason(secret, NodeTerms.open()) == built


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("devices = [", "experiment: not valid TOML"),
        ("devices = " + "[" * 5000, "experiment: tables or lists within each other"),
        ("devices = -1", "experiment: devices: "),
    ],
)
def test_a_node_that_stays_refuses_what_is_no_experiment(text: str, why: str) -> None:
    """Whatever a server sends must not end the node's program."""
    node = ResidentNode(Node.from_config({"partition-id": 0, "num-partitions": 2}))
    said = node.answer(Request(text, message("hello", "", {}), 1.0))
    assert said.values["refused"].startswith(why)
