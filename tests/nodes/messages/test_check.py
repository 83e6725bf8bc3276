"""What a node says and a server does not believe, whatever carries it."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tifed.experiment import Experiment, Setup, build, load_experiment
from tifed.federation import Plan, Update, begin, total
from tifed.federation.sum_numbers import SumNumbers
from tifed.native.coder import encode
from tifed.nodes.answer import answer
from tifed.nodes.context import HostedFleet, NodeContext
from tifed.nodes.messages.check import checked_update
from tifed.nodes.messages.content import (
    Content,
    MessageError,
    check_head,
    fit_message,
    job_runs,
    message,
    plan_from,
    refusal,
    update_message,
)
from tifed.nodes.messages.sums import sums_from_bytes
from tifed.nodes.orders import Orders
from tifed.rule.compression.coder import START
from tifed.rule.learning import norm_of
from tifed.rule.learning.clipping import largest_squares


@pytest.fixture(scope="module")
def setup() -> Setup:
    return build(load_experiment(overrides=["devices=3", "rounds=1", "layers=[64,4,10]"]))


@pytest.fixture(scope="module")
def plan(setup: Setup) -> Plan:
    state, _ = begin(setup.federation, setup.fleet, setup.start)
    (plan,) = setup.federation.plans(state)
    return plan


@pytest.fixture(scope="module")
def two_of_three(setup: Setup, plan: Plan) -> Content:
    """The sums of devices 0 and 1."""
    some = replace(plan, jobs=plan.jobs.at(np.arange(2)))
    return update_message(
        "it",
        SumNumbers(setup.federation, plan, setup.start),
        total(setup.fleet.fit(some, setup.start)),
    )


def checked(setup: Setup, plan: Plan, content: Content, **values: Any) -> Any:
    changed = Content("fit", {**content.values, **values}, content.arrays)
    return checked_update(changed, SumNumbers(setup.federation, plan, setup.start))


def test_a_nodes_words_of_an_absent_device_are_one_short_line(
    setup: Setup, plan: Plan, two_of_three: Content
) -> None:
    said = "down\n2026-01-01T00:00:00Z failed: all\r\x1b[2J\0\u202e" + "x" * 1000
    update = checked(setup, plan, two_of_three, absent=[2], reasons=[said])
    reason = update.absent[2]
    assert reason.startswith("down 2026-01-01T00:00:00Z failed: all  [2J  xxx")
    assert reason.isprintable()
    assert len(reason) == 200


@pytest.mark.parametrize(
    ("absent", "reasons"),
    [
        ([1], ["it has answered"]),
        ([3], ["there is none"]),
        ([2], []),
        ([2], [7]),
        (["2"], ["a text"]),
        ([True], ["a flag"]),
        (2, "x"),
    ],
)
def test_absent_devices_are_those_that_have_not_answered(
    setup: Setup, plan: Plan, two_of_three: Content, absent: Any, reasons: Any
) -> None:
    with pytest.raises(MessageError, match="says of devices that they are absent"):
        checked(setup, plan, two_of_three, absent=absent, reasons=reasons)


@pytest.mark.parametrize("place", [2, 3])
def test_more_clipped_than_there_is_to_clip_is_refused(
    setup: Setup, plan: Plan, two_of_three: Content, place: int
) -> None:
    counts = list(two_of_three.values["statistics"])
    assert checked(setup, plan, two_of_three).statistics.visits == counts[0]
    # 2 devices, 10 steps, 64 * 4 + 4 + 4 * 10 + 10 parameters; 2 * 5 visits to 20 samples, 14 units
    counts[place] = {2: 2 * 10 * 310, 3: 2 * 5 * 20 * 14}[place] + 1
    with pytest.raises(MessageError, match=r"counted \d+ clipped (parameters|deltas) of \d+"):
        checked(setup, plan, two_of_three, statistics=counts)
    counts[place] -= 1
    checked(setup, plan, two_of_three, statistics=counts)


def test_a_nodes_words_of_a_refusal_are_one_short_line() -> None:
    head = refusal("it", "no\n\x1b[2J" + "x" * 1000).values
    with pytest.raises(MessageError) as error:
        check_head(head, None, "it")
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 300


@pytest.mark.parametrize("dtype", [object, [("a", object)], "U3", "M8[s]", bool, float, np.uint64])
def test_arrays_are_of_the_integers_that_are_asked_for(dtype: Any) -> None:
    content = message("hello", "it", {"devices": np.zeros((1, 2), np.dtype(dtype))})
    with pytest.raises(MessageError, match="devices has the type"):
        content.array("devices", np.int64, (None, 2))


def test_a_node_says_on_which_data_it_works(setup: Setup) -> None:
    hosted = HostedFleet(setup, range(3))
    assert setup.dataset is not None
    for data in (setup.dataset.digest, "other"):
        node = NodeContext(
            "it", data, setup.network, range(3), hosted, Orders(setup.federation, None)
        )
        assert answer(node, message("hello", "it", {})).values["data"] == data


@pytest.fixture(scope="module")
def bounded(plan: Plan) -> Plan:
    return replace(plan, clips={0: 25, 1: 30})


@pytest.fixture(scope="module")
def two_with_norms(setup: Setup, bounded: Plan) -> Content:
    """The same sums and norms, of devices that are held to a bound."""
    some = replace(bounded, jobs=bounded.jobs.at(np.arange(2)))
    return update_message(
        "it",
        SumNumbers(setup.federation, bounded, setup.start),
        total(setup.fleet.fit(some, setup.start)),
    )


def test_bounds_travel_with_a_plan_and_norms_with_an_update(
    setup: Setup, plan: Plan, bounded: Plan, two_with_norms: Content
) -> None:
    asked = fit_message("it", bounded, setup.start)
    asked.arrays["jobs"] = job_runs(bounded.jobs)
    found = plan_from(asked, setup.network, range(3))
    assert (found.clip, found.clips) == (0, {0: 25, 1: 30})
    assert checked(setup, bounded, two_with_norms).norms.tolist() == (
        two_with_norms.arrays["norms"].tolist()
    )
    assert (two_with_norms.arrays["norms"] > 25).all()
    assert "clip" not in fit_message("it", plan, setup.start).values


@pytest.mark.parametrize(
    ("clip", "clips"),
    [
        (-1, []),
        (1 << 32, []),
        (1, [0]),
        (1, [0, 1 << 32]),
        (1, [0, -1]),
        (1, [0, True]),
        (1, None),
        (0, [0, 5]),
        (0, [1, 5, 0, 5]),
        (0, [0, 5, 1, 0]),
        (0, [0, 5, 1, 5, 2, 5]),
    ],
)
def test_bounds_that_there_are_not_are_refused(
    setup: Setup, bounded: Plan, clip: Any, clips: Any
) -> None:
    asked = fit_message("it", bounded, setup.start)
    asked.arrays["jobs"] = job_runs(bounded.jobs)
    wrong = Content("fit", {**asked.values, "clip": clip, "clips": clips}, asked.arrays)
    with pytest.raises(MessageError, match=r"has a bound|has bounds|clip is -1"):
        plan_from(wrong, setup.network, range(3))


def test_a_node_of_whose_devices_none_has_answered_has_no_norms(
    setup: Setup, bounded: Plan
) -> None:
    absent = Update(absent={0: "silent", 1: "silent", 2: "silent"})
    content = update_message("it", SumNumbers(setup.federation, bounded, setup.start), absent)
    found = checked(setup, bounded, content)
    assert found.absent == absent.absent
    assert not len(found.norms)


def test_a_norm_of_a_layer_that_was_not_trained_is_refused(setup: Setup, bounded: Plan) -> None:
    first = replace(bounded, jobs=replace(bounded.jobs, layers=0 * bounded.jobs.layers + 1))
    numbers = SumNumbers(setup.federation, first, setup.start)
    content = update_message("it", numbers, total(setup.fleet.fit(first, setup.start)))
    assert checked(setup, first, content).norms[:, 1].tolist() == [0, 0, 0]
    content.arrays["norms"] = content.arrays["norms"] + np.array([0, 1])
    with pytest.raises(MessageError, match=r"norms has one of layer 1 of a device that does not"):
        checked(setup, first, content)


def test_norms_that_no_device_can_have_are_refused(
    setup: Setup, bounded: Plan, two_with_norms: Content
) -> None:
    most = norm_of(largest_squares(setup.network))
    for norms, words in (
        ([[0, 0], [0, most + 1]], "norms has one that is not in"),
        ([[-1, 0], [5, 5]], "norms has one that is not in"),
        ([[5, 5]], "norms has the shape"),
        ([5, 5], "norms has the shape"),
        (None, "norms is missing"),
    ):
        arrays = (
            dict(two_with_norms.arrays) | {"norms": np.array(norms, np.int64)}
            if norms
            else {name: array for name, array in two_with_norms.arrays.items() if name != "norms"}
        )
        content = Content("fit", two_with_norms.values, arrays)
        with pytest.raises(MessageError, match=words):
            checked(setup, bounded, content)


SHORT = {"upload": ["ternary", "8-bit"], "download": "ternary"}


@pytest.fixture(params=[{}, {"coder": True}, {"rows": 2}], ids=["packed", "coded", "rows"])
def short(request: pytest.FixtureRequest) -> tuple[SumNumbers, Update]:
    """Sums of short updates of three devices: -3..3, which lie in four bits, and 8-bit ones."""
    chosen = Experiment(
        devices=3, rounds=1, layers=(64, 4, 10), compression=SHORT | request.param
    )  # fmt: skip
    setup = build(chosen)
    state, _ = begin(setup.federation, setup.fleet, setup.start)
    (plan,) = setup.federation.plans(state)
    numbers = SumNumbers(setup.federation, plan, state.parameters)
    return numbers, total(setup.fleet.fit(plan, state.parameters))


def test_short_sums_come_back_in_fewer_bytes(short: tuple[SumNumbers, Update]) -> None:
    numbers, update = short
    content = update_message("it", numbers, update)
    found = checked_update(content, numbers)
    for layer, part in update.layers.items():
        assert np.array_equal(found.layers[layer].weight, part.weight)
        assert np.array_equal(found.layers[layer].bias, part.bias)
    # Four bits a weight of the first layer, two bytes one of the second, four bytes a bias.
    assert content.arrays["sums"].nbytes <= 64 * 4 // 2 + 4 * 10 * 2 + 14 * 4
    if "coded" in content.values:
        assert all(content.values["coded"])
        assert content.arrays["sums"].nbytes < 128 + 80 + 56


def test_short_sums_that_no_devices_can_give_are_refused_by_name(
    short: tuple[SumNumbers, Update],
) -> None:
    numbers, update = short
    content = update_message("it", numbers, update)
    first = content.values.get("coded", [0, 0])[0]
    data = content.arrays["sums"]

    def refused(words: str, data: Any, **values: Any) -> None:
        changed = Content("fit", {**content.values, **values}, content.arrays | {"sums": data})
        with pytest.raises(MessageError, match=words):
            checked_update(changed, numbers)

    if first:
        refused("layer 0, weights: frame: its", np.concatenate([data[:1] ^ 255, data[1:]]))
        refused("coded has -1", data, coded=[-1, 0])
        refused("coded is not a list of 2", data, coded=[first])
    else:
        # 4 and -4 have four bits, and three ternary numbers do not give them.
        for wrong in (0x44, 0xCC, 0x88):
            odd = data.copy()
            odd[0] = wrong
            refused("layer 0, weights has bytes that are not those of", odd)
    refused("layer 1, biases: sums has 39 bytes for 40", data[:-1])
    refused("sums has 1 bytes too many", np.append(data, np.uint8(0)))
    beyond = data.copy()
    beyond[-4:] = np.array([3 * 32767 + 1], "<i4").view(np.uint8)
    refused("layer 1, biases has a sum beyond", beyond)


def test_a_coded_number_beyond_what_devices_can_give_is_refused(
    short: tuple[SumNumbers, Update],
) -> None:
    """Of numbers up to 2 the coder's two bits hold 3 as well."""
    numbers, update = short
    if not numbers.federation.frame:
        return
    pair = replace(numbers, plan=replace(numbers.plan, jobs=numbers.plan.jobs.at(np.arange(2))))
    q = np.full(64 * 4, 3, np.int64)
    frame, _ = encode(q, 2, START, 6 * len(q))
    with pytest.raises(ValueError, match="layer 0, weights has a sum beyond ±2"):
        sums_from_bytes(
            pair, np.frombuffer(frame.data, np.uint8), [len(frame.data)],
            {0: 2 * numbers.federation.buffer}, update.devices[:2],
        )  # fmt: skip


def test_a_node_with_impossible_sums_says_so_itself(setup: Setup, plan: Plan) -> None:
    numbers = SumNumbers(setup.federation, plan, setup.start)
    update = total(setup.fleet.fit(plan, setup.start))
    part = replace(update.layers[1], bias=update.layers[1].bias + (1 << 40) * numbers.unit)
    wrong = replace(update, layers={**update.layers, 1: part})
    with pytest.raises(MessageError, match="layer 1, biases has a sum beyond"):
        update_message("it", numbers, wrong)


def test_noise_comes_in_rows_that_no_device_has_sent_too() -> None:
    pytest.importorskip("dp_accounting", reason="needs pip install 'tifed[privacy]'")
    privacy = {"noise_multiplier": 0.5, "clip": 300, "centre": -64, "noise_seed": 9}
    overrides = {"devices": 4, "rounds": 3, "privacy": privacy, "compression": {"rows": 4}}
    setup = build(load_experiment(overrides=overrides))
    state, _ = begin(setup.federation, setup.fleet, setup.start)
    plan = next(iter(setup.federation.plans(state)))
    plan = setup.federation.with_changes(replace(plan, jobs=plan.jobs.at(np.arange(1))))
    sums = total(setup.fleet.fit(plan, state.parameters))
    numbers = SumNumbers(setup.federation, plan, state.parameters)
    assert not plan.row_samples(0, 64, sums.devices).all()
    found = checked_update(update_message("it", numbers, sums), numbers)
    for number, part in sums.layers.items():
        assert part.weight.any(axis=1).all()
        assert np.array_equal(found.layers[number].weight, part.weight)
