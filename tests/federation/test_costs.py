"""Bytes and multiply-accumulates, counted by hand."""

import numpy as np
import pytest

from tifed.federation import Costs, Job, Jobs, Plan
from tifed.federation.costs import (
    calibration_costs,
    download_bytes,
    exchange_costs,
    macs_per_visit,
    upload_bytes,
    visits,
)
from tifed.rule.recipes import Paper, Tuned

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


def test_those_who_do_not_answer_cost_their_download_alone() -> None:
    network = Tuned().network(SHAPE, 4)
    jobs = Jobs.of([
        Job(0, (0,), 0, 6, 0, 2), Job(1, (0, 1), 0, 8, 0, 4), Job(2, (1,), 0, 4, 0, 1),
    ])  # fmt: skip
    plan = Plan(0, 0, 0, jobs)
    costs = exchange_costs(network, 4, plan, np.array([True, False, True]))
    assert costs.bytes_down == 3 * sum(LAYER_BYTES)
    assert costs.bytes_up == sum(LAYER_BYTES)
    assert costs.macs == 6 * (FORWARD + 20) + 4 * (FORWARD + 12)
    costs = exchange_costs(network, 4, plan, np.array([False, True, False]))
    assert costs.bytes_up == sum(LAYER_BYTES)
    assert costs.macs == 16 * (FORWARD + 20 + 12)


def test_calibration_sends_sums_of_four_bytes_and_squares_of_eight_and_gets_a_centre() -> None:
    network = Tuned().network(SHAPE, 4)
    assert calibration_costs(network, 7) == Costs(7 * 5, 7 * (5 * 4 + 8), 0)
