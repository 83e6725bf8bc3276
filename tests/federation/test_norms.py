"""Bounds on devices' updates: which job has which, and norms that come back with updates."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from tifed.federation import Job, Jobs, Plan, Update, planned_update, total
from tifed.rule.learning import LARGEST_CLIP, Statistics
from tifed.rule.recipes import Tuned

Make = Callable[..., Any]

JOBS = Jobs.of(Job(device, layers, 0, 4, 0, 1) for device, layers in ((0, (0,)), (3, (0, 1))))


def test_a_layer_without_a_bound_of_its_own_among_others_is_held_to_none() -> None:
    plan = Plan(0, 0, 0, JOBS, clips={1: 70})
    assert plan.layer_bounds(2) == (LARGEST_CLIP, 70)
    assert [plan.bounded, replace(plan, clips={}, clip=9).bounded] == [True, True]
    assert not Plan(0, 0, 0, JOBS).bounded


def test_each_layer_is_held_to_its_own_bound_and_no_other(small: Make) -> None:
    run = small(Tuned())
    sent = run.start
    one = np.int16(1)
    trained = replace(
        sent, weights=(sent.weights[0] + 100 * one, sent.weights[1] + one), biases=sent.biases
    )
    sizes = [weight.size for weight in sent.weights]
    plan = Plan(0, 0, 0, JOBS, clips={0: 50, 1: sizes[1]})
    first, both = (planned_update(plan, job, sent, trained, Statistics()) for job in plan.jobs)
    norms = [int(np.ceil(100 * sizes[0] ** 0.5)), int(np.ceil(sizes[1] ** 0.5))]
    assert first.norms.tolist() == [[norms[0], 0]]
    assert both.norms.tolist() == [norms]
    for update in (first, both):
        kept = sent.weights[0].astype(np.int64) + 100 * 50 // norms[0]
        assert update.layers[0].weight.tolist() == (4 * kept).tolist()
    assert both.layers[1].weight.tolist() == (4 * trained.weights[1].astype(np.int64)).tolist()


def test_an_update_is_clipped_before_it_is_weighted(small: Make) -> None:
    run = small(Tuned())
    sent = run.start
    trained = replace(sent, biases=(sent.biases[0] + np.int16(30), sent.biases[1]))
    plan = Plan(0, 0, 0, JOBS, clip=6)
    parts = [planned_update(plan, job, sent, trained, Statistics(visits=1)) for job in plan.jobs]
    units = len(sent.biases[0])
    norm = int(np.ceil(np.sqrt(units * 900)))
    assert parts[0].norms.tolist() == [[norm]]
    kept = sent.biases[0].astype(np.int64) + 30 * 6 // norm
    assert parts[0].layers[0].bias.tolist() == (kept * 4).tolist()
    free = planned_update(replace(plan, clip=0), next(iter(plan.jobs)), sent, trained, Statistics())
    assert free.norms.tolist() == []
    assert free.layers[0].bias.tolist() == (trained.biases[0].astype(np.int64) * 4).tolist()
    assert total([*parts, Update()]).norms.tolist() == [[norm], [norm]]


def test_a_simulated_fleet_tells_norms_if_there_is_a_bound(small: Make) -> None:
    run = small(Tuned(), rounds=1)
    (plan,) = run.federation.plans(run.state())
    free = total(run.fleet.fit(plan, run.start))
    assert free.norms.tolist() == []
    told = total(run.fleet.fit(replace(plan, clip=LARGEST_CLIP), run.start))
    assert len(told.norms) == len(told.devices) == 3
    assert (told.norms > 1).all()
    held = total(run.fleet.fit(replace(plan, clip=1), run.start))
    assert sorted(held.norms.tolist()) == sorted(told.norms.tolist())
    for number, layer in told.layers.items():
        assert layer.weight.tolist() == free.layers[number].weight.tolist()
        sent = run.start.weights[number].astype(np.int64) * layer.samples
        assert held.layers[number].weight.tolist() == sent.tolist()
    by_layer = total(run.fleet.fit(replace(plan, clips={0: 1, 1: LARGEST_CLIP}), run.start))
    assert (by_layer.norms.shape, by_layer.norms.min() > 1) == ((3, 2), True)
    assert by_layer.layers[0].weight.tolist() == held.layers[0].weight.tolist()
    assert by_layer.layers[1].weight.tolist() == free.layers[1].weight.tolist()
