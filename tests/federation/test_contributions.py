"""What is written down of each update: by hand, and of devices that turn their signs round."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tifed.federation import (
    Job,
    Jobs,
    LayerSum,
    Plan,
    Robust,
    Update,
    device_update,
    federate,
    total,
)
from tifed.federation.contributions import Contribution, contributions
from tifed.rule.learning import Statistics
from tifed.rule.recipes import Tuned

Make = Callable[..., Any]


def moved(run: Any, device: int, samples: int, *biases: int, norm: int) -> Update:
    """A device that has changed the first biases of the first layer."""
    bias = run.start.biases[0].copy()
    bias[: len(biases)] += np.array(biases, bias.dtype)
    parameters = replace(run.start, biases=(bias, run.start.biases[1]))
    update = device_update(device, parameters, (0,), samples, Statistics())
    return replace(update, norms=np.array([[norm, 0]]))


def test_a_small_case_by_hand(small: Make) -> None:
    run = small(Tuned())
    plan = Plan(0, 7, 0, Jobs.of(Job(d, (0,), 0, 4, 0, 1) for d in range(5)), clips={0: 100})
    updates = [
        total([moved(run, 4, 1, -3, 0, norm=3), moved(run, 3, 2, 0, 0, norm=0)]),
        moved(run, 0, 1, 3, 4, norm=101),
        moved(run, 2, 1, 0, 0, norm=0),
        moved(run, 1, 1, 0, 1, norm=1),
        Update(absent={9: "gone"}),
    ]
    found = contributions(plan, run.start, updates, total(updates))
    # The mean is (3 + 0 + 0 - 3, 4 + 0 + 1 + 0) / 6: along the second axis. The usual norm is 1.
    assert found == (
        Contribution(7, 0, 1, 5, 101, 800, 1, 1),
        Contribution(7, 1, 1, 1, 1, 1000, 0, 0),
        Contribution(7, 2, 1, 0, 0, None, 0, 0),
        Contribution(7, 3, 2, 1, 3, 0, 0, 0),
    )


def test_a_cosine_is_rounded_toward_nothing_and_exact_past_64_bits(small: Make) -> None:
    run = small(Tuned())
    plan = Plan(0, 0, 0, Jobs.of(Job(d, (0,), 0, 4, 0, 1) for d in range(2)))
    first = moved(run, 0, 1, 1, 1, norm=0)
    layer = first.layers[0]
    large = layer.bias.copy()
    large[0] -= 1 << 40
    made = Update(np.array([0, 1]), {0: LayerSum(layer.weight, large, 1, 2)})
    (one,) = contributions(plan, run.start, [replace(first, norms=first.norms[:0])], made)
    # cos 135 degrees is -0.7071; the norm of (1, 1) is 1.41.
    assert one == Contribution(0, 0, 1, 2, None, -707, None, None)


class TurnedRound:
    """A fleet one of whose devices sends the opposite of what it has learnt."""

    def __init__(self, fleet: Any, attacker: int) -> None:
        self.fleet, self.attacker = fleet, attacker

    def __getattr__(self, name: str) -> Any:
        return getattr(self.fleet, name)

    def fit(self, plan: Plan, parameters: Any) -> Iterator[Update]:
        for update in self.fleet.fit(plan, parameters):
            if update.devices.tolist() != [self.attacker]:
                yield update
                continue
            layers = {
                number: replace(
                    part,
                    weight=2 * part.samples * parameters.weights[number].astype(np.int64)
                    - part.weight,
                    bias=2 * part.samples * parameters.biases[number].astype(np.int64) - part.bias,
                )
                for number, part in update.layers.items()
            }
            yield replace(update, layers=layers)


@pytest.mark.parametrize("robust", [Robust(clip=100), Robust(aggregate="median")])
def test_turned_signs_are_opposite_to_the_others(small: Make, robust: Robust) -> None:
    run = small(Tuned(), robust=robust, lengths=(12,) * 5)
    # All devices have the same samples, so all honest updates are one.
    stream = run.fleet.inputs.streams[0]
    fleet = type(run.fleet)(replace(run.fleet.inputs, streams=(stream,) * 5))
    records = [r for _, r in federate(run.federation, TurnedRound(fleet, 3), run.state())]
    assert len(records) == 3
    for record in records[1:]:
        cosines = {one.device: one.cosine or 0 for one in record.contributions}
        assert cosines.keys() == set(range(5))
        assert cosines[3] < -900
        assert min(cosines[device] for device in (0, 1, 2, 4)) > 900


def test_without_robust_nothing_is_kept(small: Make) -> None:
    run = small()
    records = [record for _, record in federate(run.federation, run.fleet, run.state())]
    assert [record.contributions for record in records] == [(), (), ()]
