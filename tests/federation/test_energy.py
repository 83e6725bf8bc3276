"""The input's energy from sums alone, and what is made of a recipe's answer to it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tifed.federation import Costs, federate
from tifed.federation.checkpoint import load_checkpoint, save_checkpoint
from tifed.federation.checkpoint_file import Checkpoint
from tifed.federation.energy import energy_around
from tifed.files.tensor_file import header_and_arrays
from tifed.rule.integer import Rounding, divide
from tifed.rule.network import Activation, ErrorKind, Feedback, Layer, Network
from tifed.rule.recipes import RECIPES

Make = Callable[..., Any]


def made(name: str, **settings: Any) -> Any:
    """The recipe that the tests register, with these settings."""
    return RECIPES[name].model_validate(settings)


@given(st.integers(1, 40), st.integers(1, 30), st.integers(0, 2**32), st.booleans())
def test_it_is_the_mean_squared_distance_from_the_centre(
    samples: int, features: int, seed: int, extreme: bool
) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(-128, 128, (samples, features))
    if extreme:
        values = rng.choice([-128, 127], (samples, features))
    total, squares = values.sum(axis=0), int((values**2).sum())
    centre = divide(total, samples, Rounding.NEAREST)
    exact = int(((values - centre) ** 2).sum())
    energy = energy_around(centre, total, squares, samples)
    assert 2 * abs(energy * samples - exact) <= samples
    assert 0 <= energy <= 65_025 * features


def test_the_largest_input_of_a_large_fleet_passes_no_word() -> None:
    samples = 100_000_000
    centre = np.zeros(1 << 16, np.int64)
    total = np.zeros(1 << 16, np.int64)
    squares = samples << 30
    assert energy_around(centre, total, squares, samples) == 1 << 30


def one_layer(shift: int, rounding: Rounding = Rounding.NEAREST, bias_shift: int = 8) -> Network:
    layer = Layer(
        9, 3, 128, Activation.IDENTITY, 2, shift, update_rounding=rounding, bias_shift=bias_shift
    )
    return Network((layer,), ErrorKind.MARGIN, 48, Feedback.UNIFORM)


@pytest.mark.parametrize(
    ("wanted", "shift", "rounding", "got"),
    [
        (3, 9, Rounding.NEAREST, 3), (-4, 9, Rounding.NEAREST, -4),
        (-10, 9, Rounding.NEAREST, -9), (99, 9, Rounding.NEAREST, 15),
        (99, 9, Rounding.STOCHASTIC, 7), (99, 9, Rounding.FLOOR, 15),
        (1, 24, Rounding.NEAREST, 0), (-24, 24, Rounding.NEAREST, -24),
    ],
)  # fmt: skip
def test_the_shift_stays_in_its_range(
    wanted: int, shift: int, rounding: Rounding, got: int
) -> None:
    assert one_layer(shift, rounding).energy_shift_within(wanted, 10, 0) == got


@pytest.mark.parametrize("rounding", [Rounding.NEAREST, Rounding.FLOOR, Rounding.STOCHASTIC])
@pytest.mark.parametrize("extra", [0, 1, 6])
def test_rounding_leaves_room_for_the_gradient(rounding: Rounding, extra: int) -> None:
    """By what is added to a gradient before it is shifted, and nothing else."""
    network = one_layer(4, rounding)
    for batch in range(1, network.largest_batch + 1, 997):
        gradient = batch * 256 * 127
        shift = 4 + extra + network.energy_shift_within(99, batch, extra)

        def room(shift: int, gradient: int = gradient) -> bool:
            added = 1 << shift if rounding is Rounding.STOCHASTIC else 1 << shift >> 1
            return gradient + added < 1 << 31

        assert room(shift)
        most = (16 if rounding is Rounding.STOCHASTIC else 24) + extra
        assert shift == most or not room(shift + 1)


def test_where_there_is_no_room_for_the_rounds_shift_none_is_added() -> None:
    network = one_layer(24)
    assert network.energy_shift_within(3, network.largest_batch, 6) == 0
    assert network.energy_shift_within(-3, network.largest_batch, 6) == -3


def test_a_state_keeps_it_and_every_plan_has_it(
    by_energy: str, small: Make, tmp_path: Path
) -> None:
    recipe = made(by_energy, shift=-2, rescale_shifts=(9, 9), update_shifts=(6, 5))
    run = small(recipe=recipe)
    run = replace(run, federation=replace(run.federation, recipe=recipe))
    state = run.state()
    samples = run.fleet.inputs.streams[0].samples
    exact = ((samples - state.parameters.centre.astype(np.int64)) ** 2).sum() / len(samples)
    assert abs(state.energy - exact) <= 0.5
    assert state.energy_shift == -2
    assert [plan.energy_shift for plan in run.federation.plans(state)] == [-2]
    expected = recipe.start_parameters(run.network, 1, state.energy)
    assert replace(expected, centre=state.parameters.centre) == state.parameters
    (after, _), *_ = federate(run.federation, run.fleet, state)
    path = save_checkpoint(tmp_path, Checkpoint(after, Costs(), 0.0), "it")
    header, _ = header_and_arrays(path)
    assert (header["energy"], header["energy_shift"]) == (str(state.energy), "-2")
    loaded = load_checkpoint(path, run.federation, "it").state
    assert (loaded.energy, loaded.energy_shift) == (state.energy, -2)


def test_the_decay_counts_in_what_there_is_room_for(by_energy: str, small: Make) -> None:
    recipe = made(by_energy, shift=99, rescale_shifts=(9, 9), update_shifts=(6, 5))
    run = small(recipe=recipe, shape=(5, 4, 3))
    federation = replace(run.federation, recipe=recipe, extra_shifts=(0, 6))
    assert replace(run, federation=federation).state().energy_shift == 24 - 6


def test_a_run_that_goes_on_from_a_model_begins_with_it(by_energy: str, small: Make) -> None:
    recipe = made(by_energy, shift=1, rescale_shifts=(9, 9), update_shifts=(6, 5))
    run = small(recipe=recipe)
    learnt = replace(run, federation=replace(run.federation, recipe=None)).last().parameters
    federation = replace(run.federation, recipe=recipe)
    state = replace(run, federation=federation, start=learnt).state()
    assert state.parameters == learnt
    assert state.energy_shift == 1
