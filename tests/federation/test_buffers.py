"""Several buffers in a round: a device goes on from one to the next, and answers once."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tifed.federation import Job, total
from tifed.federation.costs import visits
from tifed.rule.integer import Rounding
from tifed.rule.learning import LocalWork, Statistics, feedback_matrices
from tifed.rule.learning.oracle import train
from tifed.rule.recipes import Tuned

Make = Callable[..., Any]


def test_a_turn_takes_buffers_one_behind_the_other(small: Make) -> None:
    run = small(lengths=(13, 13), buffers_per_round=3)
    state = run.federation.after_round(run.state())
    (plan,) = run.federation.plans(state)
    first, second = plan.jobs
    # A buffer of 6 has mini-batches of 4 and 2; two passes over three buffers are twelve steps.
    assert first == Job(0, (0, 1), 18 % 13, 6, 0, 12)
    assert list(run.federation.by_buffer(second)) == [
        Job(1, (0, 1), 5, 6, 0, 4), Job(1, (0, 1), 11, 6, 4, 4), Job(1, (0, 1), 17, 6, 8, 4),
    ]  # fmt: skip
    assert visits(plan.jobs, run.federation.batch).tolist() == [36, 36]


def test_steps_that_begin_within_a_buffer_stay_in_their_buffers(small: Make) -> None:
    federation = small(buffers_per_round=3).federation
    assert list(federation.by_buffer(Job(0, (0,), 2, 6, 3, 6))) == [
        Job(0, (0,), 2, 6, 3, 1), Job(0, (0,), 8, 6, 4, 4), Job(0, (0,), 14, 6, 8, 1),
    ]  # fmt: skip


def test_positions_of_own_data_go_on_from_zero_past_32_bits(small: Make) -> None:
    federation = small(buffers_per_round=2).federation
    _, second = federation.by_buffer(Job(0, (0,), (1 << 32) - 6, 6, 0, 8))
    assert second.position == 0


@pytest.mark.parametrize("rounding", [Rounding.NEAREST, Rounding.STOCHASTIC])
def test_a_device_goes_on_with_its_own_parameters(small: Make, rounding: Rounding) -> None:
    """Against steps that are made here, one buffer after the other, in two rounds."""
    recipe = Tuned(rescale_shifts=(9, 9), update_shifts=(6, 5), update_rounding=rounding.value)
    run = small(recipe, lengths=(13,), rounds=2, buffers_per_round=3)
    federation, state = run.federation, run.state()
    network, stream = federation.network, run.fleet.inputs.streams[0]
    feedback = feedback_matrices(network, federation.seed)
    for number in range(2):
        (plan,) = federation.plans(state)
        parameters, counted = state.parameters, Statistics()
        for part in range(3):
            places = (np.arange(6) + 6 * (3 * number + part)) % 13
            work = LocalWork(4, 4 * part, 4, (0, 1), 0, federation.seed, 0, plan.exchange,
                             state.energy_shift)  # fmt: skip
            parameters, seen = train(
                network, parameters, feedback, stream.samples[places], stream.labels[places], work
            )
            counted += seen
        update = total(run.fleet.fit(plan, state.parameters))
        assert update.statistics == counted
        assert counted.visits == 36
        for layer in (0, 1):
            assert np.array_equal(
                update.layers[layer].weight, 6 * parameters.weights[layer].astype(int)
            )
            assert np.array_equal(
                update.layers[layer].bias, 6 * parameters.biases[layer].astype(int)
            )
            assert update.layers[layer].samples == 6
        state = federation.after_round(state)
