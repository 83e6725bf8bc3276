"""Short updates in a federation: sums, rows that stay behind, and what goes down."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from tifed.federation import Job, Jobs, Plan, planned_update, total
from tifed.federation.aggregation import aggregate
from tifed.federation.robust import Robust
from tifed.rule.compression import Change, Changes
from tifed.rule.learning import LARGEST_CLIP, Statistics
from tifed.rule.recipes import Server, Tuned

Make = Callable[..., Any]
EIGHTS = Changes((Change(127, 0), Change(127, 0)))


def test_a_plan_says_how_weights_go_up_and_finer_where_steps_are_smaller(small: Make) -> None:
    first = (Change(1, 5, rows=2), Change(127, 0))
    run = small(upload=Changes(first), extra_shifts=(1, 1, 2))
    state = run.state()
    shifts = [next(run.federation.plans(replace(state, round=number))).upload for number in (0, 2)]
    assert shifts == [first, (Change(1, 4, rows=2), Change(127, 0))]
    assert run.federation.weight_reach(0) == run.network.layers[0].weight_bound + 31


def test_what_is_small_goes_up_exactly_without_a_shift(small: Make) -> None:
    long, short = small(Tuned(), rounds=1), small(Tuned(), rounds=1, upload=EIGHTS)
    sent = long.start
    (plan,) = short.federation.plans(short.state())
    trained = replace(sent, weights=tuple(W - np.int16(127) for W in sent.weights))
    job = next(iter(plan.jobs))
    for part in (0, 1):
        update = planned_update(plan, job, sent, trained, Statistics())
        exact = planned_update(replace(plan, upload=()), job, sent, trained, Statistics())
        assert np.array_equal(update.layers[part].weight, exact.layers[part].weight)


def test_rows_that_stay_behind_count_neither_as_weights_nor_as_samples(small: Make) -> None:
    jobs = Jobs.of(Job(device, (0, 1), 0, 2 + device, 0, 1) for device in (0, 1, 5))
    upload = (Change(0, rows=3), Change(0))
    plan = Plan(2, 0, 0, jobs, upload=upload)
    run = small(Tuned(), server=Server())
    sent = run.start
    trained = replace(sent, weights=tuple(W + np.int16(3) for W in sent.weights))
    update = total(planned_update(plan, job, sent, trained, Statistics()) for job in jobs)
    # Pair of rows p of device d goes up in round 2 if p + d + 2 is divided by 3.
    behind = plan.row_samples(0, 5, update.devices)
    expected = [
        sum(2 + device for device in (0, 1, 5) if (row // 2 + device + 2) % 3 == 0)
        for row in range(5)
    ]
    assert behind.ravel().tolist() == expected == [3, 3, 2, 2, 7]
    after = aggregate(run.network, Server(), run.state(), update, plan)
    moved = (after.parameters.weights[0] - sent.weights[0]) == 3
    assert moved.all()
    assert (after.parameters.weights[1] - sent.weights[1] == 3).all()


def test_a_row_that_nobody_sent_stays(small: Make) -> None:
    jobs = Jobs.of([Job(0, (0,), 0, 2, 0, 1)])
    plan = Plan(0, 0, 0, jobs, upload=(Change(0, rows=16), Change(0)))
    run = small(Tuned(), server=Server())
    trained = replace(run.start, weights=(run.start.weights[0] + np.int16(9), run.start.weights[1]))
    update = planned_update(plan, next(iter(jobs)), run.start, trained, Statistics())
    after = aggregate(run.network, Server(), run.state(), update, plan)
    moved = after.parameters.weights[0] - run.start.weights[0]
    assert moved.tolist() == [[9] * 4] * 2 + [[0] * 4] * 3


def test_differences_go_down_in_steps_and_the_rest_stays(small: Make) -> None:
    run = small(Tuned(), download=Changes((Change(1, 3), Change(0))), rounds=1)
    before, after = run.state(), run.last()
    moved = after.parameters.weights[0].astype(int) - before.parameters.weights[0]
    assert set(np.unique(moved)) <= {-8, 0, 8}
    assert moved.any()
    whole = np.floor_divide(after.layers[1].weight + 128, 256)
    assert np.array_equal(after.parameters.weights[1], whole)


def test_an_honest_sum_is_within_its_bounds_after_rounding(small: Make) -> None:
    run = small(Tuned(), rounds=1, upload=Changes((Change(1, 7), Change(1, 7))))
    (plan,) = run.federation.plans(run.state())
    free = total(run.fleet.fit(replace(plan, clips=dict.fromkeys((0, 1), LARGEST_CLIP)), run.start))
    bounds = {
        layer: max(1, least // 2) for layer, least in enumerate(free.norms.min(axis=0).tolist())
    }
    bounded = replace(plan, clips=bounds)
    told = total(run.fleet.fit(bounded, run.start))
    kept = Robust(clip=100).combine(bounded, run.start, [told])
    for number, part in told.layers.items():
        assert np.array_equal(kept.layers[number].weight, part.weight)
