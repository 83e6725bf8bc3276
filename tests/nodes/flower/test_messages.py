"""What nodes and servers say to each other, and what neither believes."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("flwr", reason="needs Flower: pip install 'tifed[flower]'")

from flwr.app import ConfigRecord, Context, RecordDict
from flwr.supercore.inflatable.inflatable_object import get_all_nested_objects
from safetensors.numpy import save

from tifed.experiment import Setup, build, load_experiment, to_toml
from tifed.experiment.identity import identity
from tifed.federation import Job, Jobs, Plan, begin, total
from tifed.federation.sum_numbers import SumNumbers
from tifed.nodes.flower.client import reply
from tifed.nodes.flower.format import pack, unpack
from tifed.nodes.messages.check import checked_scores, checked_sums, checked_update
from tifed.nodes.messages.content import (
    Content,
    MessageError,
    fit_message,
    job_runs,
    message,
    parameter_arrays,
)
from tifed.nodes.serving.settings import Settings
from tifed.rule.network import Parameters

EXPERIMENT = load_experiment(
    preset="digits", overrides=["mode=single-layer", "assignment=rotating", "rounds=3"]
)
NAME = identity(EXPERIMENT)
SETTINGS = Settings(to_toml(EXPERIMENT))
NODE = Context(1, 2, {"partition-id": 1, "num-partitions": 3}, RecordDict(), {})
HOSTED = range(3, 6)


@pytest.fixture(scope="module")
def setup() -> Setup:
    return build(EXPERIMENT)


@pytest.fixture(scope="module")
def plan(setup: Setup) -> Plan:
    state, _ = begin(setup.federation, setup.fleet, setup.start)
    (plan,) = setup.federation.plans(state)
    return replace(plan, jobs=plan.jobs.for_devices(np.array(HOSTED)))


@pytest.fixture(scope="module")
def answer(setup: Setup, plan: Plan) -> RecordDict:
    return reply(asked_of(plan, setup.start), NODE, SETTINGS)


def asked_of(plan: Plan, parameters: Parameters) -> RecordDict:
    return pack(fit_message(NAME, plan, parameters), {"jobs": job_runs(plan.jobs)})


def refused(records: RecordDict) -> str:
    with pytest.raises(MessageError) as error:
        unpack(records, None, NAME)
    return str(error.value)


def test_a_node_sends_the_sum_of_its_devices(setup: Setup, plan: Plan, answer: RecordDict) -> None:
    update = checked_update(
        unpack(answer, "fit", NAME), SumNumbers(setup.federation, plan, setup.start)
    )
    expected = total(setup.fleet.fit(plan, setup.start))
    assert update.devices.tolist() == expected.devices.tolist() == list(HOSTED)
    assert update.statistics == expected.statistics
    assert update.layers.keys() == expected.layers.keys()
    for number, part in expected.layers.items():
        assert np.array_equal(update.layers[number].weight, part.weight)
        assert np.array_equal(update.layers[number].bias, part.bias)
        assert update.layers[number].samples == part.samples
        assert update.layers[number].devices == part.devices


def test_jobs_of_devices_that_do_the_same_share_a_row() -> None:
    jobs = Jobs.of(Job(device, (0, 1), 40, 20, 0, 10) for device in range(1000))
    assert job_runs(jobs).tolist() == [[0, 1000, 0b11, 40, 20, 0, 10]]


def put(arrays: dict[str, np.ndarray], place: int, word: str) -> None:
    """The least number that a word has room for, from byte ``place`` on: none that can be."""
    data, size = arrays["sums"].copy(), np.dtype(word).itemsize
    data[place : place + size] = np.array([np.iinfo(word).min], word).view(np.uint8)
    arrays["sums"] = data


TAMPERING: dict[str, Callable[[dict[str, Any], dict[str, np.ndarray]], Any]] = {
    "is of round 2, not 0": lambda head, arrays: head.update(round=2),
    "is of exchange 1, not 0": lambda head, arrays: head.update(exchange=1),
    "round is 'x', not a whole number": lambda head, arrays: head.update(round="x"),
    "has device 0, which it was not asked for": lambda head, arrays: arrays.update(
        devices=np.array([[0, 1]])
    ),
    "are not ascending": lambda head, arrays: arrays.update(devices=np.array([[3, 2], [4, 2]])),
    "visits and": lambda head, arrays: head.update(statistics=[7, 0, 0, 0]),
    "statistics has -1": lambda head, arrays: head.update(statistics=[150, -1, 0, 0]),
    "statistics is not a list of 4": lambda head, arrays: head.update(statistics=[150, 0, 0]),
    "has layers [0], not [0, 1]": lambda head, arrays: head.update(layers=[0]),
    "samples is not a list": lambda head, arrays: head.update(samples=3),
    "counts is not a list": lambda head, arrays: head.update(counts=[1.0, 1.0]),
    "counts other samples": lambda head, arrays: head.update(samples=[1, 1]),
    "sums is missing": lambda head, arrays: arrays.pop("sums"),
    "sums has the type float64": lambda head, arrays: arrays.update(
        sums=arrays["sums"].astype(float)
    ),
    "sums has the type int16": lambda head, arrays: arrays.update(
        sums=arrays["sums"].astype(np.int16)
    ),
    "layer 1, biases: sums has 39 bytes for 40": lambda head, arrays: arrays.update(
        sums=arrays["sums"][:-1]
    ),
    "sums has 1 bytes too many": lambda head, arrays: arrays.update(
        sums=np.append(arrays["sums"], np.uint8(0))
    ),
    "layer 0, weights has a sum beyond": lambda head, arrays: put(arrays, 0, "<i2"),
    "layer 0, biases has a sum beyond": lambda head, arrays: put(arrays, 2 * 64 * 32, "<i2"),
    "layer 1, weights has a sum beyond": lambda head, arrays: put(
        arrays, 2 * (64 * 32 + 32), "<i4"
    ),
    "layer 1, biases has a sum beyond": lambda head, arrays: put(
        arrays, len(arrays["sums"]) - 4, "<i4"
    ),
}


@pytest.mark.parametrize("reason", TAMPERING)
def test_an_update_that_its_jobs_cannot_give_is_refused(
    setup: Setup, plan: Plan, answer: RecordDict, reason: str
) -> None:
    content = unpack(answer, "fit", NAME)
    head, arrays = dict(content.values), dict(content.arrays)
    TAMPERING[reason](head, arrays)
    with pytest.raises(MessageError) as error:
        checked_update(
            Content("fit", head, arrays), SumNumbers(setup.federation, plan, setup.start)
        )
    assert reason in str(error.value)


def test_fewer_devices_than_asked_are_fine(setup: Setup, plan: Plan) -> None:
    part = replace(plan, jobs=plan.jobs.at(np.arange(2)))
    answer = reply(asked_of(part, setup.start), NODE, SETTINGS)
    update = checked_update(
        unpack(answer, "fit", NAME), SumNumbers(setup.federation, plan, setup.start)
    )
    assert update.devices.tolist() == [3, 4]


def test_calibration_and_scores(setup: Setup) -> None:
    asked = pack(message("calibrate", NAME, {"devices": np.array([[3, 3]])}, samples=50))
    content = unpack(reply(asked, NODE, SETTINGS), "calibrate", NAME)
    sums = checked_sums(content, setup.federation, np.array(HOSTED), 50)
    expected = list(setup.fleet.calibrate(HOSTED, 50))
    assert sums.devices.tolist() == list(HOSTED)
    assert np.array_equal(sums.total, sum(one.total for one in expected))
    assert sums.samples == sum(one.samples for one in expected)
    with pytest.raises(MessageError, match="counted 150 samples of 120"):
        checked_sums(content, setup.federation, np.array(HOSTED), 40)

    asked = pack(message("evaluate", NAME, parameter_arrays(setup.start)))
    content = unpack(reply(asked, NODE, SETTINGS), "evaluate", NAME)
    scores = checked_scores(content, setup.federation, np.array(HOSTED))
    assert scores == [s for s in setup.fleet.evaluate(setup.start) if s.device in HOSTED]
    for column, change, reason in (
        (0, 1, "which it was not asked for"),
        (1, 999, "samples as right"),
        (2, 1, "samples of device"),
    ):
        table = content.arrays["scores"].copy()
        table[2, column] += change
        wrong = Content("evaluate", content.values, {"scores": table})
        with pytest.raises(MessageError, match=reason):
            checked_scores(wrong, setup.federation, np.array(HOSTED))
    twice = Content("evaluate", {}, {"scores": content.arrays["scores"][[0, 0]]})
    with pytest.raises(MessageError, match="twice"):
        checked_scores(twice, setup.federation, np.array(HOSTED))


def test_a_node_says_why_it_refuses(setup: Setup, plan: Plan) -> None:
    good = asked_of(plan, setup.start)
    elsewhere = Context(1, 2, {"partition-id": 0, "num-partitions": 3}, RecordDict(), {})
    assert "not all hosted here" in refused(reply(good, elsewhere, SETTINGS))
    nowhere = Context(1, 2, {}, RecordDict(), {})
    assert "partition-id" in refused(reply(good, nowhere, SETTINGS))
    beyond = Context(1, 2, {"partition-id": 3, "num-partitions": 3}, RecordDict(), {})
    assert "partition-id: 3 is not in 0..2" in refused(reply(good, beyond, SETTINGS))
    assert "not something that a node can do" in refused(
        reply(pack(message("dance", NAME, {})), NODE, SETTINGS)
    )
    assert "has another experiment" in refused(
        reply(pack(message("hello", "other", {})), NODE, SETTINGS)
    )
    weights = tuple(np.full_like(W, np.iinfo(W.dtype).min) for W in setup.start.weights)
    huge = Parameters(setup.start.centre, weights, setup.start.biases)
    bad = asked_of(plan, huge)
    assert "passes the bound" in refused(reply(bad, NODE, SETTINGS))
    assert "run configuration: out is None" in refused(reply(good, NODE, None))


def test_a_message_is_few_objects_for_a_superlink(setup: Setup, plan: Plan) -> None:
    objects = get_all_nested_objects(asked_of(plan, setup.start)).values()
    kinds = sorted(type(one).__name__ for one in objects)
    assert kinds == ["ConfigRecord", "ConfigRecord", "RecordDict"]  # and the message itself


def test_other_versions_and_strangers_are_told_apart() -> None:
    older = ConfigRecord({"format": "tifed-node", "version": 2})
    assert refused(RecordDict({"tifed": older})) == (
        "speaks version 2 of the message format; this release speaks version 5"
    )
    assert refused(RecordDict()) == "is not a message of TIFeD"
    for bad in (b"nonsense", b"", save({"x": np.zeros(9)})[:-1], 7):
        for place in ("tifed", "own"):
            damaged = pack(message("fit", NAME, {}), {"x": np.zeros(9)})
            record: Any = damaged[place]
            record["arrays"] = bad
            words = "has unreadable arrays" + " (not bytes)" * (bad == 7)
            assert words in refused(damaged)
    assert refused(pack(message("fit", "other", {}))) == "has another experiment"
    with pytest.raises(MessageError, match="is about 'fit', not 'hello'"):
        unpack(pack(message("fit", NAME, {})), "hello", NAME)
