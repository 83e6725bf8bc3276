"""Personal rounds as the server asks for them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tifed import Experiment
from tifed.errors import UsageError
from tifed.experiment import build
from tifed.federation import (
    Costs,
    DeviceScore,
    PersonalRounds,
    PersonalScore,
    PersonalWork,
    personal_plan,
    personal_work,
)
from tifed.federation.costs import evaluation_costs, keep_costs, personal_costs
from tifed.rule.integer import Rounding
from tifed.rule.network import Network
from tifed.rule.recipes import Tuned

NETWORK = Tuned().network((5, 4, 3), 4)
FORWARD = 5 * 4 + 4 * 3
MODEL_BYTES = 2 * (5 * 4 + 4 + 4 * 3 + 3)


def test_without_personal_rounds_nothing_is_asked(small: Callable[..., Any]) -> None:
    made = small()
    assert personal_work(made.federation, made.state()) is None


def test_they_go_on_where_the_run_ended(small: Callable[..., Any]) -> None:
    made = small(rounds=3, extra_shifts=(0, 0, 1), personal=PersonalRounds(4, (1,), 2))
    last = replace(made.last(), energy_shift=-1)
    work = personal_work(made.federation, last)
    assert work == PersonalWork(4, (1,), extra_shift=3, exchange=3, energy_shift=-1)
    plan, job = personal_plan(made.federation, work, 2, 3)
    federation = made.federation
    assert (plan.round, plan.exchange, plan.extra_shift, plan.energy_shift) == (6, 6, 3, -1)
    assert (job.device, job.layers, job.first_step) == (2, (1,), 0)
    assert (job.position, job.samples) == (3 * federation.buffer, federation.buffer)
    assert job.steps == federation.local_epochs * -(-federation.buffer // federation.batch)


def test_firmware_can_train_their_layers(small: Callable[..., Any]) -> None:
    assert small().federation.layer_sets() == ((0, 1),)
    assert small(personal=PersonalRounds(1, (1,), 0)).federation.layer_sets() == ((0, 1), (1,))


def overflows(network: Network, batch: int, layer: int, shift: int) -> bool:
    """Whether a sum of gradients and what rounding adds to it can pass 31 bits."""
    nearest = network.layers[layer].update_rounding is not Rounding.STOCHASTIC
    return batch * network.gradient_limit(layer) + (1 << shift >> nearest) > (1 << 31) - 1


@pytest.mark.parametrize("update_shift", [4, 17, 20, 23])
@pytest.mark.parametrize("energy_shift", [-2, 0, 1])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("layers", [(0,), (1,), (0, 1)])
def test_their_shift_is_the_largest_that_no_sum_overflows_with(
    update_shift: int, energy_shift: int, full: bool, layers: tuple[int, ...]
) -> None:
    recipe = Tuned(update_shifts=(update_shift, update_shift), update_rounding=Rounding.NEAREST)
    network = recipe.network((784, 200, 10), 1)
    batch = network.largest_batch if full else 1
    found = network.extra_shift_within(9, batch, energy_shift, layers)
    assert 0 <= found <= 6
    assert network.extra_shift_within(1, batch, energy_shift, layers) == min(found, 1)

    def fits(extra: int) -> bool:
        return not any(
            overflows(network, batch, layer, update_shift + extra + (0 if layer else energy_shift))
            for layer in layers
        )

    assert found == max((extra for extra in range(7) if fits(extra)), default=0)


def test_the_limit_is_reached_by_some_networks() -> None:
    """So that the test above compares more than one number."""
    recipe = Tuned(update_shifts=(23, 23))
    network = recipe.network((784, 200, 10), 1)
    assert 0 < network.extra_shift_within(6, network.largest_batch - 9, 0, (0, 1)) < 6
    assert NETWORK.extra_shift_within(6, 4, 0, (0, 1)) == 6


def test_devices_need_the_memory_for_them() -> None:
    settings: dict[str, Any] = {
        "own_data": True, "rounds": 2, "mode": "memory-aware", "memory": {"budgets": [9000, 7500]},
    }  # fmt: skip
    with pytest.raises(UsageError, match=r"personal.layers: to train 'all' takes \d+ bytes"):
        build(Experiment(**settings, personal={"rounds": 1}))
    last = build(Experiment(**settings, personal={"rounds": 1, "layers": "last"}))
    assert last.federation.personal == PersonalRounds(1, (1,), 2)


def test_what_they_cost() -> None:
    scores = [DeviceScore(0, 3, 10), DeviceScore(2, 1, 4)]
    assert evaluation_costs(NETWORK, 3, MODEL_BYTES, scores) == Costs(
        3 * MODEL_BYTES, 2 * 2 * 4, 14 * FORWARD
    )
    by_class = [DeviceScore(0, 3, 10, ((1, 4), (2, 4), (0, 2)))]
    assert evaluation_costs(NETWORK, 1, MODEL_BYTES, by_class).bytes_up == (2 + 6) * 4
    assert keep_costs(NETWORK, 3) == Costs(3 * MODEL_BYTES)
    work = PersonalWork(5, (1,), 0, 0)
    found = [PersonalScore(0, 3, 4, 10)]
    trained = 5 * 40 * (FORWARD + 4 * 3)
    assert personal_costs(NETWORK, 40, work, found) == Costs(0, 3 * 4, trained + 20 * FORWARD)
