"""Bytes and multiply-accumulates, counted by hand."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tifed.experiment import Experiment
from tifed.experiment.setup import build
from tifed.federation import Costs, Job, Jobs, Plan, Update, begin, federate, total
from tifed.federation.costs import (
    calibration_costs,
    download_bytes,
    exchange_costs,
    macs_per_visit,
    upload_bytes,
    visits,
)
from tifed.rule.compression import Change, Changes
from tifed.rule.compression.coder import START, coded_length
from tifed.rule.recipes import Paper, Tuned

Make = Callable[..., Any]
SHAPE = (5, 4, 3)
FORWARD = 5 * 4 + 4 * 3
LAYER_BYTES = (2 * 5 * 4 + 2 * 4, 2 * 4 * 3 + 2 * 3)


def test_costs_add_up() -> None:
    assert Costs(1, 2, 3) + Costs(10, 20, 30) == Costs(11, 22, 33)
    assert Costs() == Costs(0, 0, 0)


def test_parameters_on_the_line() -> None:
    network = Tuned().network(SHAPE, 4)
    assert download_bytes(network) == sum(LAYER_BYTES)
    uploads = [upload_bytes(network, layers) for layers in ((), (0,), (1,), (0, 1))]
    assert uploads == [0, *LAYER_BYTES, sum(LAYER_BYTES)]


def test_only_dense_feedback_to_hidden_layers_is_counted() -> None:
    dense, signs = Paper().network(SHAPE, 4), Tuned().network(SHAPE, 4)
    for layers, feedback, update in (
        ((), 0, 0),
        ((0,), 3 * 4, 20),
        ((1,), 0, 12),
        ((0, 1), 12, 32),
    ):
        assert macs_per_visit(dense, layers) == FORWARD + feedback + update
        assert macs_per_visit(signs, layers) == FORWARD + update


@pytest.mark.parametrize(
    ("samples", "first", "steps", "expected"),
    [
        (6, 0, 4, 12),  # 4 2 4 2
        (6, 1, 1, 2),
        (6, 1, 2, 6),
        (6, 3, 3, 8),  # 2 4 2
        (8, 1, 2, 8),
        (3, 0, 5, 15),  # a buffer smaller than a mini-batch
    ],
)
def test_visits_of_steps(samples: int, first: int, steps: int, expected: int) -> None:
    jobs = Jobs.of([Job(0, (0,), 0, samples, first, steps)])
    assert visits(jobs, 4).tolist() == [expected]


def test_those_who_do_not_answer_cost_their_download_alone(small: Make) -> None:
    run = small(shape=SHAPE)
    jobs = Jobs.of([
        Job(0, (0,), 0, 6, 0, 2), Job(1, (0, 1), 0, 8, 0, 4), Job(2, (1,), 0, 4, 0, 1),
    ])  # fmt: skip
    plan = Plan(0, 0, 0, jobs)
    costs = exchange_costs(run.federation, plan, run.state(), Update(np.array([0, 2])))
    assert costs.bytes_down == 3 * sum(LAYER_BYTES)
    assert costs.bytes_up == sum(LAYER_BYTES)
    assert costs.macs == 6 * (FORWARD + 20) + 4 * (FORWARD + 12)
    costs = exchange_costs(run.federation, plan, run.state(), Update(np.array([1])))
    assert costs.bytes_up == sum(LAYER_BYTES)
    assert costs.macs == 16 * (FORWARD + 20 + 12)


def test_calibration_sends_sums_of_four_bytes_and_squares_of_eight_and_gets_a_centre() -> None:
    network = Tuned().network(SHAPE, 4)
    assert calibration_costs(network, 7) == Costs(7 * 5, 7 * (5 * 4 + 8), 0)


BIASES = 2 * 4, 2 * 3
TERNARY_UP = (Change(1, 4, rows=2), Change(127, 0))


@pytest.mark.parametrize(("device", "rows"), [(0, 3), (1, 2), (2, 3)])
def test_five_ternary_numbers_and_one_of_eight_bits_are_a_byte(
    small: Make, device: int, rows: int
) -> None:
    run = small(shape=SHAPE, upload=Changes(TERNARY_UP))
    jobs = Jobs.of([Job(device, (0, 1), 0, 6, 0, 2)])
    plan = Plan(0, 0, 0, jobs, upload=TERNARY_UP)
    update = Update(np.array([device]))
    costs = exchange_costs(run.federation, plan, run.state(), update)
    assert costs.bytes_up == -(-rows * 4 // 5) + 12 + sum(BIASES)
    assert costs.bytes_down == sum(LAYER_BYTES)
    coded = replace(update, bytes_up=9)
    assert exchange_costs(run.federation, plan, run.state(), coded).bytes_up == 9
    assert total([coded, coded]).bytes_up == 18
    assert total([coded, update]).bytes_up is None


def test_a_device_gets_the_sum_of_what_it_missed_or_the_whole(small: Make) -> None:
    run = small(
        shape=SHAPE, download=Changes((Change(1, 5), Change(7, 2))), rounds=4,
        extra_shifts=(0, 0, 1, 1),
    )  # fmt: skip
    state = replace(run.state(), held=np.array([-1, 1, 2]), round=3, exchange=3)
    (plan,) = run.federation.plans(state)
    alone = [
        exchange_costs(
            run.federation, replace(plan, jobs=plan.jobs.for_devices(np.array([device]))), state,
            Update(),
        ).bytes_down
        for device in range(3)
    ]  # fmt: skip
    # Device 1 missed one exchange with steps that are twice as long as those of the other.
    assert alone == [sum(LAYER_BYTES), 10 + 12 + sum(BIASES), 4 + 6 + sum(BIASES)]


def test_with_a_coder_what_goes_down_is_coded_where_that_is_shorter(small: Make) -> None:
    run = small(shape=(40, 8, 2), download=Changes((Change(1, 5), Change(0))), rounds=4, frame=256)
    (first, _), (second, record), (third, _), _ = federate(run.federation, run.fleet, run.state())
    assert set(second.sent) == {1}
    q = (second.parameters.weights[0].astype(int) - first.parameters.weights[0]).ravel() >> 5
    coded, _ = coded_length(q, 1, START, 256)
    assert 0 < coded < 64
    (plan,) = run.federation.plans(second)
    one = replace(plan, jobs=plan.jobs.for_devices(np.array([1])))
    biases_and_last = 2 * 8 + 2 * 8 * 2 + 2 * 2
    costs = exchange_costs(run.federation, one, second, Update())
    assert costs.bytes_down == coded + biases_and_last
    assert record.costs.bytes_down <= 3 * (64 + biases_and_last)
    # What is known of a line is not reckoned.
    told = Update(absent={1: "gone"}, bytes_down=7)
    assert exchange_costs(run.federation, one, second, told).bytes_down == 7
    assert total([told, told]).bytes_down == 14
    assert total([told, Update(absent={2: "gone"})]).bytes_down is None
    assert set(third.sent) == {2}


def test_devices_that_answer_have_what_was_sent(small: Make) -> None:
    run = small(shape=SHAPE, download=Changes((Change(1, 5), Change(0))), rounds=2)
    records = list(federate(run.federation, run.fleet, run.state()))
    first, second = (record.costs.bytes_down for _, record in records)
    assert first == 3 * sum(LAYER_BYTES)
    assert second == 3 * (4 + LAYER_BYTES[1] + BIASES[0])
    held = records[-1][0].held
    assert held is not None
    assert held.tolist() == [1, 1, 1]
    assert download_bytes(run.network, run.federation.download.layers) * 3 == second
    assert upload_bytes(run.network, (0,), TERNARY_UP) == 3 + BIASES[0]


def test_devices_make_the_recipes_start_themselves() -> None:
    """Nobody is sent first weights; a device that is asked later gets what it has missed."""
    setup = build(
        Experiment(
            dataset="digits", devices=4, devices_per_round=2, rounds=4,
            compression={"download": "ternary"},
        )
    )  # fmt: skip
    federation = setup.federation
    state, _ = begin(federation, setup.fleet, setup.start)
    records = [record for _, record in federate(federation, setup.fleet, state)]
    biases = sum(2 * layer.fan_out for layer in federation.network.layers)
    assert records[0].costs.bytes_down == 2 * biases
    last = records[-1].costs.bytes_down
    assert 2 * biases < last < 2 * download_bytes(federation.network) // 2
    other = replace(setup.start, biases=tuple(bias + 1 for bias in setup.start.biases))
    state, _ = begin(federation, setup.fleet, other)
    _, record = next(federate(federation, setup.fleet, state))
    assert record.costs.bytes_down == 2 * download_bytes(federation.network)
