from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tifed.errors import RunError, UsageError
from tifed.federation import AtEnd, AverageEvery, Plan, begin, federate
from tifed.federation.assignment import contiguous
from tifed.federation.costs import visits
from tifed.fleets import FaultyFleet
from tifed.rule.recipes import Paper, Tuned

Make = Callable[..., Any]


def test_the_centre_is_the_rounded_mean_of_the_first_samples(small: Make) -> None:
    run = small(Tuned(calibration=4))
    taken = np.concatenate([stream.read(0, 4)[0] for stream in run.fleet.inputs.streams]).astype(
        int
    )
    expected = np.floor(taken.sum(axis=0) / 12 + 0.5)
    assert run.state().parameters.centre.tolist() == expected.tolist()


def test_calibration_without_an_answer_fails(small: Make) -> None:
    run = small(Tuned())

    class Silent:
        def calibrate(self, devices: object, samples: object) -> tuple[()]:
            return ()

    with pytest.raises(RunError, match="no device answered"):
        begin(run.federation, Silent(), run.start)  # type: ignore[arg-type]


def test_for_one_device_it_does_not_matter_when_to_average(small: Make) -> None:
    digests = set()
    for every in AverageEvery:
        run = small(Paper(inverse_learning_rate=64), lengths=(13,), average_every=every)
        last = run.last()
        digests.add(last.parameters.digest)
        assert last.exchange == {"buffer": 3, "epoch": 6, "mini-batch": 12}[every.value]
    assert len(digests) == 1


def test_when_to_average_matters_for_more_devices(small: Make) -> None:
    runs = [small(Paper(inverse_learning_rate=64), average_every=every) for every in AverageEvery]
    assert len({run.last().parameters.digest for run in runs}) == 3


def test_the_order_of_answers_does_not_matter(small: Make) -> None:
    run = small()

    class Backwards:
        def fit(self, plan: Plan, parameters: Any) -> Any:
            return reversed(list(run.fleet.fit(plan, parameters)))

    state = run.state()
    for after, _ in federate(run.federation, Backwards(), state):  # type: ignore[arg-type]
        state = after
    assert state.parameters == run.last().parameters


def test_a_stream_starts_over_or_stops(small: Make) -> None:
    run = small(lengths=(10, 40), rounds=4)
    plans = [plan for state in states(run) for plan in run.federation.plans(state)]
    assert [(next(iter(p.jobs)).position, next(iter(p.jobs)).samples) for p in plans] == [
        (0, 6), (6, 6), (2, 6), (8, 6),
    ]  # fmt: skip
    stream = run.fleet.inputs.streams[0]
    assert (stream.read(8, 6)[0] == stream.samples[[8, 9, 0, 1, 2, 3]]).all()
    run = small(lengths=(10, 40), rounds=4, at_end=AtEnd.STOP)
    plans = [plan for state in states(run) for plan in run.federation.plans(state)]
    assert [[(j.device, j.position, j.samples, j.steps) for j in p.jobs] for p in plans] == [
        [(0, 0, 6, 4), (1, 0, 6, 4)],
        [(0, 6, 4, 2), (1, 6, 6, 4)],
        [(1, 12, 6, 4)],
        [(1, 18, 6, 4)],
    ]


def states(run: Any) -> list[Any]:
    """The state before each round."""
    found = [run.state()]
    for after, _ in federate(run.federation, run.fleet, found[0]):
        found.append(after)
    return found[:-1]


def test_visits_count_partial_mini_batches(small: Make) -> None:
    run = small(rounds=1, average_every=AverageEvery.MINI_BATCH)
    plans = list(run.federation.plans(run.state()))
    assert [int(visits(plan.jobs, 4)[0]) for plan in plans] == [4, 2, 4, 2]


def test_only_some_devices_are_asked_and_all_get_turns(small: Make) -> None:
    run = small(lengths=(6,) * 10, rounds=30, devices_per_round=3)
    asked = [record.asked for _, record in federate(run.federation, run.fleet, run.state())]
    assert {len(devices) for devices in asked} == {3}
    assert {device for devices in asked for device in devices} == set(range(10))
    assert run.last().turns.sum() == 90


def test_costs_are_those_of_the_network_by_hand(small: Make) -> None:
    run = small(Paper(), rounds=1, assignment=contiguous(3, 2))
    ((_, record),) = federate(run.federation, run.fleet, run.state())
    down = 2 * (5 * 4 + 4 + 4 * 3 + 3)
    assert record.costs.bytes_down == 3 * down
    assert record.costs.bytes_up == 2 * 2 * (5 * 4 + 4) + 2 * (4 * 3 + 3)
    forward = 5 * 4 + 4 * 3
    # Two devices train the first layer (dense feedback: 3 classes × 4 units), one the second.
    assert record.costs.macs == 12 * (2 * (forward + 3 * 4 + 20) + forward + 12)


def test_devices_that_fail_are_left_out_of_the_average(small: Make) -> None:
    run = small(lengths=(12,) * 5)
    faulty = FaultyFleet(run.fleet, seed=1, millionths=500_000)
    state = run.state()
    left = []
    for after, record in federate(run.federation, faulty, state):
        present = [device for device in range(5) if not faulty.fails(device, record.round)]
        assert record.answered.tolist() == present
        assert record.updates.get(0, 0) == len(present)
        assert record.asked.tolist() == [0, 1, 2, 3, 4]
        left.append(len(present))
        state = after
    assert 0 < sum(left) < 15
    assert state.parameters != run.last().parameters


def test_failures_are_as_frequent_as_asked(small: Make) -> None:
    faulty = FaultyFleet(small().fleet, seed=3, millionths=300_000)
    failures = sum(faulty.fails(device, number) for device in range(100) for number in range(100))
    assert abs(failures - 3000) < 5 * np.sqrt(10_000 * 0.3 * 0.7)


def test_an_exchange_with_too_few_answers_changes_nothing(small: Make) -> None:
    run = small(minimum_devices=3)
    faulty = FaultyFleet(run.fleet, seed=1, millionths=999_999)
    state = run.state()
    for after, record in federate(run.federation, faulty, state):
        assert record.updates == {}
        assert after.parameters == state.parameters
    assert after.exchange == 3


def test_a_mini_batch_that_could_overflow_is_refused(small: Make) -> None:
    with pytest.raises(UsageError, match=r"batch: a sum of 600 gradients can overflow.*allows 51"):
        small(Paper(), batch=600)


def test_going_on_from_any_round_ends_the_same(small: Make) -> None:
    run = small(rounds=4, devices_per_round=2, average_every=AverageEvery.EPOCH)
    whole = run.last()
    for state in states(run):
        for after, _ in federate(run.federation, run.fleet, replace(state)):
            last = after
        assert last.parameters == whole.parameters
        assert (last.turns == whole.turns).all()
