"""Whose residual is whose: devices that are sampled, fail, or are not here; and checkpoints."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tifed.errors import RunError
from tifed.federation import Costs, Job, Jobs, Plan, ServerState, federate
from tifed.federation.checkpoint import load_checkpoint, save_checkpoint
from tifed.federation.checkpoint_file import Checkpoint
from tifed.federation.residuals import Residuals
from tifed.fleets import SimulatedFleet
from tifed.fleets.passing import PassingFleet
from tifed.rule.compression import Change, Changes

Make = Callable[..., Any]
KEPT = Changes((Change(1, 5), Change(0)), residual=True)


@dataclass
class Failing(PassingFleet):
    """Asks all but some devices, by round."""

    fleet: SimulatedFleet
    fails: dict[int, list[int]]

    def fit(self, plan: Plan, parameters: Any) -> Any:
        asked = ~np.isin(plan.jobs.device, self.fails.get(plan.round, []))
        return self.fleet.fit(replace(plan, jobs=plan.jobs.at(asked)), parameters)


def states(run: Any, fleet: Any = None) -> list[ServerState]:
    return [after for after, _ in federate(run.federation, fleet or run.fleet, run.state())]


def residual_of(state: ServerState, device: int) -> Any:
    assert state.residuals is not None
    return state.residuals.of[device][0]


def test_what_was_too_small_goes_up_later(small: Make) -> None:
    keeping, rounded = small(upload=KEPT, rounds=8), small(rounds=8)
    last = states(keeping)[-1]
    assert last.residuals is not None
    assert set(last.residuals.of) == {0, 1, 2}
    assert any(residual_of(last, device).any() for device in range(3))
    assert set(last.residuals.of[0]) == {0}  # nothing is left of weights that go up whole
    assert keeping.state().residuals.of == {}
    assert rounded.last().residuals is None


def test_what_devices_have_left_changes_what_goes_up(small: Make) -> None:
    run = small(upload=KEPT, rounds=2)
    first = states(run)[0]
    none = replace(first, residuals=Residuals.none(3))
    (with_it, _), (without, _) = (
        next(federate(run.federation, run.fleet, state)) for state in (first, none)
    )
    assert with_it.parameters != without.parameters


def test_a_device_that_was_asked_and_is_absent_starts_over(small: Make) -> None:
    run = small(upload=KEPT, rounds=4)
    here, gone, back, _ = states(run, Failing(run.fleet, {1: [1]}))
    assert residual_of(here, 1).any()
    assert gone.residuals is not None
    assert back.residuals is not None
    assert gone.residuals.after.tolist() == [1, -1, 1]
    assert 1 not in gone.residuals.of
    assert back.residuals.after.tolist() == [2, 2, 2]
    # The next round is as if the device had never taken part.
    (plan,) = run.federation.plans(gone)
    plan = replace(plan, residuals=gone.residuals)
    again = {update.devices[0]: update for update in run.fleet.fit(plan, gone.parameters)}
    fresh = run.fleet.fit(replace(plan, residuals=Residuals.none(3)), gone.parameters)
    new = {update.devices[0]: update for update in fresh}
    assert np.array_equal(again[1].layers[0].weight, new[1].layers[0].weight)
    assert not np.array_equal(again[0].layers[0].weight, new[0].layers[0].weight)


def test_a_device_that_is_not_asked_keeps_what_it_has(small: Make) -> None:
    run = small(upload=KEPT, rounds=12, devices_per_round=1)
    before = run.state()
    for state in states(run):
        (asked,) = run.federation.selected(before.round).tolist()
        for device in set(before.residuals.of) - {asked}:
            assert residual_of(state, device) is residual_of(before, device)
        assert state.residuals is not None
        assert state.residuals.after[asked] == before.exchange
        before = state
    assert len(before.residuals.of) == 3


def test_an_exchange_that_does_not_count_leaves_nothing(small: Make) -> None:
    run = small(upload=KEPT, rounds=2, minimum_devices=3)
    _, void = states(run, Failing(run.fleet, {1: [0]}))
    assert void.residuals is not None
    assert void.residuals.after.tolist() == [-1, -1, -1]
    assert void.residuals.of == {}


def test_a_device_whose_residual_is_not_here_is_absent_and_starts_over(small: Make) -> None:
    run = small(upload=KEPT, rounds=3)
    first = states(run)[0]
    assert first.residuals is not None
    some = {device: left for device, left in first.residuals.of.items() if device != 1}
    elsewhere = replace(first, residuals=replace(first.residuals, of=some))
    (after, record), (last, _) = federate(run.federation, run.fleet, elsewhere)
    assert record.absent == {1: "what it had left after exchange 0 is not here"}
    assert record.answered.tolist() == [0, 2]
    assert after.residuals is not None
    assert last.residuals is not None
    assert after.residuals.after.tolist() == [1, -1, 1]
    assert last.residuals.after.tolist() == [2, 2, 2]


def test_layers_that_were_not_trained_keep_what_they_have(small: Make) -> None:
    jobs = Jobs.of([Job(0, (1,), 0, 2, 0, 1)])
    both = (Change(1, 5, unit=0), Change(1, 5, unit=0))
    run = small(upload=Changes((Change(1, 5),) * 2, residual=True), rounds=1)
    kept = {
        layer: np.full(weight.shape, 3, np.int8) for layer, weight in enumerate(run.start.weights)
    }
    residuals = Residuals(np.array([4, -1, -1]), {0: kept})
    plan = Plan(0, 5, 0, jobs, upload=both, residuals=residuals)
    (update,) = run.fleet.fit(plan, run.start)
    assert (update.residuals[0][0] == 3).all()
    assert not (update.residuals[0][1] == 3).all()
    settled = residuals.settled(plan, update.devices, update.residuals)
    assert settled.after.tolist() == [5, -1, -1]
    assert settled.of == update.residuals


@pytest.mark.parametrize("rounds", [0, 1, 3])
def test_residuals_are_in_checkpoints(tmp_path: Path, small: Make, rounds: int) -> None:
    run = small(upload=KEPT, rounds=6, devices_per_round=2)
    every = [run.state(), *states(run)]
    path = save_checkpoint(tmp_path, Checkpoint(every[rounds], Costs(), 0.0), "")
    state = load_checkpoint(path, run.federation, "").state
    assert state.residuals is not None
    assert np.array_equal(state.residuals.after, every[rounds].residuals.after)
    for after, _ in federate(run.federation, run.fleet, state):
        last = after
    assert last.parameters == every[-1].parameters


def damaged(residuals: Residuals, how: str) -> Residuals:
    """Residuals such as no run has."""
    after, of = residuals.after.copy(), dict(residuals.of)
    if how == "magnitude":
        of[0] = {0: np.full_like(of[0][0], -128)}
    elif how == "shape":
        of = {device: {0: left[0][:-1]} for device, left in of.items()}
    elif how == "nothing left":
        after[0] = -1
    elif how == "layer":
        of = {device: {1: np.zeros((4, 3), np.int8)} for device in of}
    else:
        after[0] = 10
    return Residuals(after, of)


@pytest.mark.parametrize("how", ["magnitude", "shape", "nothing left", "layer", "exchange"])
def test_residuals_that_no_run_has_are_refused(tmp_path: Path, small: Make, how: str) -> None:
    run = small(upload=KEPT, rounds=2)
    state = states(run)[-1]
    assert state.residuals is not None
    wrong = replace(state, residuals=damaged(state.residuals, how))
    path = save_checkpoint(tmp_path, Checkpoint(wrong, Costs(), 0.0), "")
    with pytest.raises(RunError, match=r"damaged \(compression.residual"):
        load_checkpoint(path, run.federation, "")
