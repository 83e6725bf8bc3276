"""Bounds on devices' updates: which job has which, and norms that come back with updates."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from tifed.federation import Job, Jobs, Plan, planned_update, total
from tifed.rule.learning import LARGEST_CLIP, Statistics
from tifed.rule.recipes import Tuned

Make = Callable[..., Any]

JOBS = Jobs.of(Job(device, layers, 0, 4, 0, 1) for device, layers in ((0, (0,)), (3, (0, 1))))


def test_a_bound_for_a_set_of_layers_comes_before_that_for_all() -> None:
    plan = Plan(0, 0, 0, JOBS, clip=9, clips={3: 70})
    assert plan.bounds.tolist() == [9, 70]
    assert [plan.bound_of(layers) for layers in ((0,), (0, 1), (1,))] == [9, 70, 9]
    assert Plan(0, 0, 0, JOBS).bounds.tolist() == [0, 0]


def test_an_update_is_clipped_before_it_is_weighted(small: Make) -> None:
    run = small(Tuned())
    sent = run.start
    trained = replace(sent, biases=(sent.biases[0] + np.int16(30), sent.biases[1]))
    plan = Plan(0, 0, 0, JOBS, clips={1: 6})
    parts = [planned_update(plan, job, sent, trained, Statistics(visits=1)) for job in plan.jobs]
    units = len(sent.biases[0])
    norm = int(np.ceil(np.sqrt(units * 900)))
    assert parts[0].norms.tolist() == [norm]
    kept = sent.biases[0].astype(np.int64) + 30 * 6 // norm
    assert parts[0].layers[0].bias.tolist() == (kept * 4).tolist()
    assert parts[1].norms.tolist() == []
    assert parts[1].layers[0].bias.tolist() == (trained.biases[0].astype(np.int64) * 4).tolist()
    assert total(parts).norms.tolist() == [norm]


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
