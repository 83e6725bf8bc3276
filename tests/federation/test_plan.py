"""Jobs as columns, and the plan of each exchange (SPEC 6)."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tifed.errors import UsageError
from tifed.federation import AtEnd, AverageEvery, Job, Jobs
from tifed.federation.assignment import full_network, per_device, rotating
from tifed.federation.plan import layers_of, mask_of
from tifed.rule.integer import Purpose, permutation, stream_key

Make = Callable[..., Any]

ONE_BY_ONE = [
    Job(device=1, layers=(0, 2), position=5, samples=6, first_step=0, steps=3),
    Job(device=4, layers=(1,), position=0, samples=2, first_step=1, steps=1),
    Job(device=7, layers=(0, 2), position=3, samples=4, first_step=0, steps=2),
]


def test_layers_are_bits() -> None:
    assert [mask_of(layers) for layers in ((), (0,), (1,), (0, 2), (2, 0, 2))] == [0, 1, 2, 5, 5]
    assert [layers_of(mask) for mask in (0, 1, 2, 5, 8)] == [(), (0,), (1,), (0, 2), (3,)]


def test_jobs_one_by_one_and_as_columns() -> None:
    jobs = Jobs.of(ONE_BY_ONE)
    assert list(jobs) == ONE_BY_ONE
    assert len(jobs) == 3
    assert [column.tolist() for column in jobs.columns] == [
        [1, 4, 7], [5, 2, 5], [5, 0, 3], [6, 2, 4], [0, 1, 0], [3, 1, 2],
    ]  # fmt: skip
    assert all(column.dtype == np.int64 for column in jobs.columns)
    assert list(Jobs.of([])) == []
    assert len(Jobs.of([])) == 0


def test_some_of_the_jobs() -> None:
    jobs = Jobs.of(ONE_BY_ONE)
    assert list(jobs.at(np.array([0, 2]))) == [ONE_BY_ONE[0], ONE_BY_ONE[2]]
    assert list(jobs.at(np.array([False, True, False]))) == [ONE_BY_ONE[1]]
    assert list(jobs.for_devices(np.array([4, 7]))) == ONE_BY_ONE[1:]
    assert [jobs.of_layer(layer).tolist() for layer in range(3)] == [
        [True, False, True], [False, True, False], [True, False, True],
    ]  # fmt: skip


def test_the_devices_asked_are_the_first_of_the_rounds_permutation(small: Make) -> None:
    federation = small(lengths=(6,) * 10, devices_per_round=3).federation
    for number in (0, 1, 7):
        order = permutation(stream_key(1, Purpose.SAMPLING, number), 10)
        assert federation.selected(number).tolist() == sorted(order[:3].tolist())
    everyone = small(lengths=(6,) * 4, devices_per_round=4).federation
    assert everyone.selected(5).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("every", "parts"),
    [
        # A buffer of 6 has mini-batches of 4 and 2; two epochs are four steps.
        (AverageEvery.BUFFER, [(0, 4)]),
        (AverageEvery.EPOCH, [(0, 2), (2, 2)]),
        (AverageEvery.MINI_BATCH, [(0, 1), (1, 1), (2, 1), (3, 1)]),
    ],
)
def test_a_round_is_cut_into_exchanges(
    small: Make, every: AverageEvery, parts: list[tuple[int, int]]
) -> None:
    run = small(average_every=every, extra_shifts=(0, 3))
    state = run.federation.after_round(run.state())
    plans = list(run.federation.plans(state))
    assert [(plan.round, plan.exchange, plan.extra_shift) for plan in plans] == [
        (1, number, 3) for number in range(len(parts))
    ]
    for plan, part in zip(plans, parts, strict=True):
        assert [(job.first_step, job.steps) for job in plan.jobs] == [part] * 3
        assert [(job.device, job.position, job.samples) for job in plan.jobs] == [
            (0, 6, 6), (1, 6, 6), (2, 6, 6),
        ]  # fmt: skip


def test_a_round_uses_up_a_turn_of_those_who_are_asked(small: Make) -> None:
    run = small(lengths=(6,) * 4, devices_per_round=2)
    before = run.state()
    after = run.federation.after_round(before)
    asked = run.federation.selected(0).tolist()
    assert after.turns.tolist() == [int(device in asked) for device in range(4)]
    assert (after.round, before.round) == (1, 0)
    assert before.turns.tolist() == [0] * 4


def test_a_stream_that_ends_with_its_buffer_is_not_asked_for_nothing(small: Make) -> None:
    run = small(lengths=(6, 7), at_end=AtEnd.STOP)
    state = run.federation.after_round(run.state())
    (plan,) = run.federation.plans(state)
    assert [(job.device, job.position, job.samples, job.steps) for job in plan.jobs] == [
        (1, 6, 1, 2)
    ]


def test_all_sets_of_layers_that_somebody_trains(small: Make) -> None:
    assert small(assignment=full_network(2)).federation.layer_sets() == ((0, 1),)
    assert small(assignment=rotating(3, 2)).federation.layer_sets() == ((0,), (1,))
    lists = per_device([[1], [0, 1], [1]], 3, 2)
    assert small(assignment=lists).federation.layer_sets() == ((0, 1), (1,))
    # One device rotates: its second layer comes in the second round.
    alone = {"lengths": (6,), "assignment": per_device([[0]], 1, 2)}
    assert small(**alone).federation.layer_sets() == ((0,),)


def test_the_largest_mini_batch_is_taken(small: Make) -> None:
    largest = small().federation.network.largest_batch
    assert small(batch=largest).federation.batch == largest
    with pytest.raises(UsageError, match="gradients can overflow"):
        small(batch=largest + 1)


def test_a_fleet_in_numbers(small: Make) -> None:
    federation = small(lengths=(6, 9), extra_shifts=(0, 0, 1, 1)).federation
    assert (federation.devices, federation.rounds) == (2, 4)
    assert (federation.lengths.tolist(), federation.lengths.dtype) == ([6, 9], np.dtype(np.int64))
