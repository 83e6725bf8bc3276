"""Bounds that follow from earlier norms, sums held to them, and middles of coordinates."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tifed.errors import RunError
from tifed.experiment import Experiment
from tifed.experiment.setup import build
from tifed.federation import (
    Job,
    Jobs,
    Plan,
    Robust,
    Update,
    begin,
    device_update,
    federate,
    planned_update,
    total,
)
from tifed.federation.checkpoint import load_checkpoint, save_checkpoint
from tifed.federation.checkpoint_file import Checkpoint
from tifed.federation.costs import Costs
from tifed.federation.robust import held
from tifed.rule.compression.shifts import usual_shift
from tifed.rule.learning import LARGEST_CLIP, Statistics
from tifed.rule.network import Parameters
from tifed.rule.recipes import Tuned

Make = Callable[..., Any]
CLIP = Robust(clip=200)


def told(devices: list[int], norms: list[int]) -> Update:
    """An update that says norms and nothing else, of each device the same in both layers."""
    return Update(np.array(devices), norms=np.array([norms, norms]).T)


def plan_for(masks: dict[int, tuple[int, ...]]) -> Plan:
    """One job for each device, with its layers."""
    return Plan(0, 0, 0, Jobs.of(Job(d, layers, 0, 4, 0, 1) for d, layers in masks.items()))


def test_the_first_bound_follows_from_the_rule_and_the_next_from_the_lower_median(
    small: Make,
) -> None:
    run = small(lengths=(12,) * 5)
    state, network = run.state(), run.federation.network
    plan = plan_for({0: (0,), 1: (0,), 2: (1,), 3: (0,), 4: (0, 1)})
    first = CLIP.bounded(network, plan, state)
    for layer, size in enumerate(network.layers):
        step = 1 << usual_shift(network, layer, 1, 1, 0)
        assert first.clips[layer] == 2 * int(np.ceil(step * (size.fan_in * size.fan_out) ** 0.5))
    # Told in any order; of an even number the lower one of the two in the middle counts.
    state = CLIP.after(first, state, told([4, 2, 0, 1, 3], [10**9, 7, 30, 40, 50]))
    assert CLIP.bounded(network, plan, state).clips == {0: 80, 1: 14}


def test_an_exchange_without_a_job_has_bounds_and_no_trouble(small: Make) -> None:
    run = small(lengths=(12,) * 5)
    nobody = plan_for({0: (0,)})
    nobody = replace(nobody, jobs=nobody.jobs.for_devices(np.zeros(0, np.int64)))
    assert set(CLIP.bounded(run.federation.network, nobody, run.state()).clips) == {0, 1}


@pytest.mark.parametrize("recipe", ["tuned", "paper"])
@pytest.mark.parametrize(
    ("mode", "layers"),
    [
        ("full-network", [64, 10]),
        ("full-network", [64, 32, 10]),
        ("single-layer", [64, 32, 10]),
    ],
)
@pytest.mark.parametrize("every", ["buffer", "mini-batch"])
def test_what_is_usual_at_first_is_near_to_what_the_rule_says(
    recipe: str, mode: str, layers: list[int], every: str
) -> None:
    """A bound far above would hold nobody in a first exchange, one far below would waste it."""
    setup = build(
        Experiment(
            dataset="digits",
            layers=layers,
            rounds=1,
            recipe=recipe,
            mode=mode,
            average_every=every,
            robust={"clip": 1},
        )
    )
    state, _ = begin(setup.federation, setup.fleet, setup.start)
    network = setup.federation.network
    plan = Robust(100).bounded(network, next(iter(setup.federation.plans(state))), state)
    update = total(setup.fleet.fit(plan, state.parameters))
    after = Robust(100).after(plan, state, update)
    for layer, usual in after.norms.tolist():
        assert usual / 4 <= plan.clips[layer] <= usual * 8


def test_who_is_far_out_is_counted(small: Make) -> None:
    state, plan = small().state(), plan_for({0: (0,), 1: (0,), 2: (0,)})
    assert state.far is None
    for norms in ([30, 300, 20], [0, 11, 10], [30, 301, 20], [0, 0, 12], [31, 301, 30]):
        state = CLIP.after(plan, state, told([0, 1, 2], norms))
    # The usual norms are 30, 10, 30, 0 and 31: 301 > 10 * 30, and 12 > 10 * 1.
    assert state.far is not None
    assert state.far.tolist() == [0, 1, 1]


def test_a_bound_is_of_the_median_of_three_exchanges(small: Make) -> None:
    run = small()
    network, state, plan = run.federation.network, run.state(), plan_for({0: (0,)})
    bounds = []
    for norm in (100, 10, 40, 90, 10**12, 10**12):
        state = CLIP.after(plan, state, told([0], [norm]))
        bounds.append(CLIP.bounded(network, plan, state).clips[0])
    assert bounds == [200, 20, 80, 80, 180, LARGEST_CLIP]
    assert len(state.norms) == 3


def test_without_clip_there_is_no_bound(small: Make) -> None:
    run = small()
    state, plan = run.state(), plan_for({0: (0,)})
    assert Robust().bounded(run.federation.network, plan, state) is plan
    assert Robust().after(plan, state, told([0], [5])) is state


def moved(sent: Parameters, by: int) -> Parameters:
    """All biases of the first layer moved."""
    return replace(sent, biases=(sent.biases[0] + np.int16(by), sent.biases[1]))


def test_a_sum_that_nobody_held_is_held_by_the_server(small: Make) -> None:
    run = small(Tuned())
    sent, plan = run.start, replace(plan_for({0: (0,), 1: (0,)}), clips={0: 6, 1: 6})
    honest = total(
        planned_update(plan, job, sent, moved(sent, 30), Statistics()) for job in plan.jobs
    )
    assert held(plan, sent, honest) is honest
    lying = total(
        device_update(job.device, moved(sent, by), (0,), 4, Statistics())
        for job, by in zip(plan.jobs, (30, 10_000), strict=True)
    )
    after = held(plan, sent, lying)
    difference = after.layers[0].bias - 8 * sent.biases[0].astype(int)
    units, far = len(difference), 4 * 10_030
    norm = int(np.ceil(far * units**0.5))
    assert difference.tolist() == [far * (2 * 4 * 6) // norm] * units
    assert int(np.square(difference).sum()) <= (2 * 4 * 6) ** 2
    assert after.layers[0].weight.tolist() == honest.layers[0].weight.tolist()


def test_a_sum_of_squares_past_64_bits_is_exact(small: Make) -> None:
    run = small(Tuned())
    sent, plan = run.start, replace(plan_for({0: (0,)}), clips={0: 1})
    update = device_update(0, moved(sent, 1), (0,), 4, Statistics())
    layer = replace(update.layers[0], bias=update.layers[0].bias + (1 << 40))
    after = held(plan, sent, replace(update, layers={0: layer}))
    difference = after.layers[0].bias - 4 * sent.biases[0].astype(int)
    assert ((difference >= 0) & (difference <= 4)).all()
    assert int(np.square(difference).sum()) <= 16


def biases(run: Any, values: list[int]) -> list[Update]:
    """Devices whose first bias is each of ``values``, with different numbers of samples."""
    updates = []
    for device, value in enumerate(values):
        bias = np.zeros_like(run.start.biases[0])
        bias[0] = value
        parameters = replace(run.start, biases=(bias, run.start.biases[1]))
        updates.append(device_update(device, parameters, (0,), device + 1, Statistics(visits=1)))
    return updates


@pytest.mark.parametrize(
    ("robust", "values", "kept", "samples"),
    [
        (Robust(aggregate="median"), [5, -9, 7], 5, 1),
        (Robust(aggregate="median"), [5, -9, 7, 32767], 12, 2),
        (Robust(aggregate="median"), [5], 5, 1),
        (Robust(aggregate="trimmed", trim=200_000), [1, -32767, 3, 32767, 4], 8, 3),
        (Robust(aggregate="trimmed", trim=199_999), [1, 2, 3, 4, 5], 15, 5),
        (Robust(aggregate="trimmed", trim=499_999), [1, 2, 3, 9], 5, 2),
    ],
)
def test_the_middle_of_each_coordinate_counts_and_samples_do_not(
    small: Make, robust: Robust, values: list[int], kept: int, samples: int
) -> None:
    run = small(Tuned())
    plan = plan_for(dict.fromkeys(range(len(values)), (0,)))
    update = robust.combine(plan, run.start, biases(run, values))
    part = update.layers[0]
    assert (int(part.bias[0]), part.samples, part.devices) == (kept, samples, len(values))
    assert part.weight.tolist() == (samples * run.start.weights[0].astype(int)).tolist()
    assert update.devices.tolist() == list(range(len(values)))
    assert update.statistics.visits == len(values)


def test_a_median_over_sums_is_refused(small: Make) -> None:
    run = small(Tuned())
    both = [total(biases(run, [1, 2]))]
    with pytest.raises(RunError, match=r"^robust.aggregate: 'median' needs each device's own"):
        Robust(aggregate="median").combine(plan_for({0: (0,), 1: (0,)}), run.start, both)


def test_a_run_goes_on_from_a_checkpoint_with_its_norms(small: Make, tmp_path: Path) -> None:
    run = small(Tuned(), rounds=4, robust=Robust(clip=100))
    states = [state for state, _ in federate(run.federation, run.fleet, run.state())]
    assert states[-1].parameters != small(Tuned(), rounds=4).last().parameters
    path = save_checkpoint(tmp_path, Checkpoint(states[1], Costs(), 0.0), "x")
    found = load_checkpoint(path, run.federation, "x").state
    assert found.norms.tolist() == states[1].norms.tolist() != []
    assert found.far is not None
    assert found.far.tolist() == [0, 0, 0]
    *_, (last, _) = federate(run.federation, run.fleet, found)
    assert last.parameters == states[-1].parameters
    without = replace(found, norms=found.norms[:0])
    *_, (other, _) = federate(run.federation, run.fleet, without)
    assert other.parameters != last.parameters
    with pytest.raises(RunError, match=r"robust.far belongs to nothing"):
        load_checkpoint(path, small(Tuned(), rounds=4).federation, "x")
