"""Sums of devices' work, and what an exchange makes of answers."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tifed.federation import (
    AverageEvery,
    Costs,
    FeatureSums,
    Plan,
    Update,
    begin,
    device_update,
    federate,
    total,
)
from tifed.federation.costs import calibration_costs
from tifed.rule.learning import Statistics
from tifed.rule.network import start_parameters
from tifed.rule.recipes import Paper, Tuned

Make = Callable[..., Any]


def test_statistics_add_up() -> None:
    assert Statistics(1, 2, 3, 4) + Statistics(10, 20, 30, 40) == Statistics(11, 22, 33, 44)
    assert Statistics() == Statistics(0, 0, 0, 0)


def test_one_devices_update_is_its_parameters_times_its_samples() -> None:
    parameters = start_parameters(Tuned().network((4, 3, 2), 1), (300, 300), 1)
    parameters = replace(parameters, biases=tuple(b - np.int16(9) for b in parameters.biases))
    update = device_update(3, parameters, (1,), 7, Statistics(visits=5))
    assert (update.devices.tolist(), update.statistics) == ([3], Statistics(visits=5))
    assert list(update.layers) == [1]
    part = update.layers[1]
    assert part.weight.tolist() == (7 * parameters.weights[1].astype(int)).tolist()
    assert part.bias.tolist() == [-63, -63]
    assert (part.samples, part.devices) == (7, 1)
    assert update.absent == {}


def test_sums_are_wider_than_what_is_summed() -> None:
    parameters = start_parameters(Tuned().network((1, 2), 1), (0,), 1)
    parameters = replace(parameters, weights=(np.full((1, 2), 32767, np.int16),))
    part = device_update(0, parameters, (0,), 70_000, Statistics()).layers[0]
    assert part.weight.tolist() == [[32767 * 70_000] * 2]


def test_the_total_of_nothing_and_of_words_alone() -> None:
    assert (total([]).devices.tolist(), total([]).layers) == ([], {})
    both = total([Update(absent={1: "no line"}), Update(absent={4: "unplugged"})])
    assert both.absent == {1: "no line", 4: "unplugged"}
    assert both.devices.dtype == np.int64


class Answering:
    """Of the devices asked only some answer, by number of the exchange; the others say why."""

    def __init__(self, fleet: Any, answers: dict[int, tuple[int, ...]]) -> None:
        self._fleet, self._answers = fleet, answers

    def fit(self, plan: Plan, parameters: Any) -> Iterator[Update]:
        here = np.array(self._answers[plan.exchange], np.int64)
        yield from self._fleet.fit(replace(plan, jobs=plan.jobs.for_devices(here)), parameters)
        for device in sorted(set(plan.jobs.device.tolist()) - set(here.tolist())):
            yield Update(absent={device: f"away in {plan.exchange}"})


def test_a_round_counts_all_of_its_exchanges(small: Make) -> None:
    run = small(Paper(), rounds=1, average_every=AverageEvery.EPOCH)
    fleet = Answering(run.fleet, {0: (0, 2), 1: (0,)})
    ((state, record),) = federate(run.federation, fleet, run.state())  # type: ignore[arg-type]
    assert record.round == 0
    assert record.asked.tolist() == [0, 1, 2]
    assert record.answered.tolist() == [0, 2]
    assert record.updates == {0: 3, 1: 3}
    assert record.absent == {1: "away in 1", 2: "away in 1"}
    assert record.statistics.visits == 3 * 6
    assert (state.round, state.exchange, state.turns.tolist()) == (1, 2, [1, 1, 1])
    assert [layer.updates for layer in state.layers] == [2, 2]
    sent = 2 * (5 * 4 + 4 + 4 * 3 + 3)
    assert record.costs.bytes_down == 2 * 3 * sent
    assert record.costs.bytes_up == 3 * sent


@pytest.mark.parametrize(("minimum", "counts"), [(1, True), (2, True), (3, False)])
def test_as_many_answers_as_the_minimum_are_enough(small: Make, minimum: int, counts: bool) -> None:
    run = small(Paper(inverse_learning_rate=64), rounds=1, minimum_devices=minimum)
    fleet = Answering(run.fleet, {0: (0, 2)})
    before = run.state()
    ((state, record),) = federate(run.federation, fleet, before)  # type: ignore[arg-type]
    assert record.updates == ({0: 2, 1: 2} if counts else {})
    assert (state.parameters != before.parameters) is counts
    assert (state.round, state.exchange) == (1, 1)
    assert record.answered.tolist() == [0, 2]


def test_an_answer_is_enough_where_nothing_is_said(small: Make) -> None:
    assert small().federation.minimum_devices == 1


def test_the_centre_is_from_those_who_answer(small: Make) -> None:
    run = small(Tuned(calibration=4))
    asked: list[tuple[list[int], int]] = []

    class Some:
        def calibrate(self, devices: Any, samples: int) -> Iterator[FeatureSums]:
            asked.append((list(devices), samples))
            yield FeatureSums(np.array([10, -10, 2, -2, 7]), 300, 3, np.array([0]))
            yield FeatureSums(np.array([0, 0, 0, 0, 0]), 22, 1, np.array([2]))

    state, costs = begin(run.federation, Some(), run.start)  # type: ignore[arg-type]
    assert asked == [([0, 1, 2], 4)]
    # 2.5, -2.5, 0.5, -0.5, 1.75 to the nearest integer, a half goes up.
    assert state.parameters.centre.tolist() == [3, -2, 1, 0, 2]
    assert state.parameters.centre.dtype == np.int8
    assert costs == calibration_costs(run.network, 3)
    # 322 - 2 * (30 + 20 + 2 + 14) + 4 * (9 + 4 + 1 + 4) = 262 over 4 samples; a half goes up.
    assert (state.energy, state.energy_shift) == (66, 0)
    assert (state.round, state.exchange, state.turns.tolist()) == (0, 0, [0, 0, 0])


def test_a_run_without_calibration_costs_nothing_before_its_first_round(small: Make) -> None:
    run = small(Paper())
    state, costs = begin(run.federation, run.fleet, run.start)
    assert costs == Costs()
    assert state.parameters == run.start
