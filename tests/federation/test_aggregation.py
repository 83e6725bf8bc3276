from fractions import Fraction
from functools import reduce
from math import floor, trunc

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tifed.federation import Update, aggregate, device_update, initial_state, published
from tifed.learning import Statistics
from tifed.network import Parameters, start_parameters
from tifed.recipes import Paper, Recipe, Tuned

weights = st.integers(-21_000, 21_000)
devices = st.lists(st.tuples(weights, st.integers(1, 500)), min_size=1, max_size=6)


def one_weight(value: int) -> Parameters:
    """Parameters of a 1-2 network whose first weight is ``value``."""
    weight = np.array([[value, 0]], np.int16)
    return Parameters(np.zeros(1, np.int8), (weight,), (np.zeros(2, np.int16),))


def exchanged(
    recipe: Recipe, sent: int, answers: list[tuple[int, int]], times: int = 1
) -> list[int]:
    """The first weight that is sent next and that is published, after equal exchanges."""
    network, server = recipe.network((1, 2), 1), recipe.server(full_network=True)
    state = initial_state(server, one_weight(sent), 1)
    for _ in range(times):
        updates = [
            device_update(number, one_weight(value), (0,), samples, Statistics())
            for number, (value, samples) in enumerate(answers)
        ]
        state = aggregate(network, server, state, reduce(Update.__add__, updates))
    return [int(p.weights[0][0, 0]) for p in (state.parameters, published(server, state))]


@given(weights, devices)
def test_paper_truncates_the_weighted_mean_towards_zero(
    sent: int, answers: list[tuple[int, int]]
) -> None:
    mean = Fraction(sum(w * n for w, n in answers), sum(n for _, n in answers))
    assert exchanged(Paper(), sent, answers) == [trunc(mean)] * 2


@given(weights, devices)
def test_tuned_steps_twice_as_far_and_saturates(sent: int, answers: list[tuple[int, int]]) -> None:
    half = Fraction(1, 2)
    mean = Fraction(sum(w * n for w, n in answers), sum(n for _, n in answers))
    total = sum(n for _, n in answers)
    rounded = floor(mean * 256 + Fraction(total // 2, total))
    own = max(-32767 * 256, min(32767 * 256, sent * 256 + 2 * (rounded - sent * 256)))
    expected = floor(Fraction(own, 256) + half)
    # The running mean of the first exchange is the server's own copy.
    assert exchanged(Tuned(), sent, answers) == [expected, expected]


def test_the_published_model_is_a_running_mean() -> None:
    # The devices' answer is 100 whatever is sent, so the server's copy overshoots to 200 and
    # comes back to 0, and so on: 200, 0, 200, 0; their means are 200, 100, 133⅓, 100.
    sent, given_out = exchanged(Tuned(running_mean=16), 0, [(100, 1)], times=3)
    assert (sent, given_out) == (200, 133)
    assert exchanged(Tuned(running_mean=1), 0, [(100, 1)], times=3) == [200, 200]


@given(st.permutations(range(5)), st.integers(1, 4))
def test_partial_sums_can_be_added_in_any_order_and_grouping(order: list[int], cut: int) -> None:
    network = Tuned().network((4, 3, 2), 1)
    updates = []
    for device in range(5):
        parameters = start_parameters(network, (300, 300), device)
        layers = (0, 1) if device % 2 else (device % 2,)
        updates.append(device_update(device, parameters, layers, device + 1, Statistics(visits=1)))
    straight = reduce(Update.__add__, updates)
    mixed = [updates[place] for place in order]
    grouped = reduce(Update.__add__, mixed[:cut]) + reduce(Update.__add__, mixed[cut:])
    assert sorted(grouped.devices) == [0, 1, 2, 3, 4]
    assert grouped.statistics == straight.statistics
    for number, part in straight.layers.items():
        other = grouped.layers[number]
        np.testing.assert_array_equal(part.weight, other.weight)
        np.testing.assert_array_equal(part.bias, other.bias)
        assert (part.samples, part.devices) == (other.samples, other.devices)


def test_a_layer_without_an_update_stays_as_it_was() -> None:
    recipe = Tuned()
    network, server = recipe.network((4, 3, 2), 1), recipe.server(full_network=True)
    state = initial_state(server, start_parameters(network, (300, 300), 1), 2)
    other = start_parameters(network, (300, 300), 2)
    after = aggregate(network, server, state, device_update(0, other, (1,), 5, Statistics()))
    assert after.layers[0] is state.layers[0]
    np.testing.assert_array_equal(after.parameters.weights[0], state.parameters.weights[0])
    assert (after.parameters.weights[1] != state.parameters.weights[1]).any()
