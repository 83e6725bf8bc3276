from dataclasses import replace
from fractions import Fraction
from math import floor, trunc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tifed.federation import aggregate, device_update, initial_state, published, total
from tifed.rule.learning import Statistics
from tifed.rule.network import Parameters, start_parameters
from tifed.rule.recipes import Mode, Paper, Recipe, Tuned

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
    network, server = recipe.network((1, 2), 1), recipe.server("full-network", 1)
    state = initial_state(server, one_weight(sent), 1)
    for _ in range(times):
        updates = [
            device_update(number, one_weight(value), (0,), samples, Statistics())
            for number, (value, samples) in enumerate(answers)
        ]
        state = aggregate(network, server, state, total(updates))
    return [int(p.weights[0][0, 0]) for p in (state.parameters, published(server, state))]


@given(weights, devices)
def test_paper_truncates_the_weighted_mean_towards_zero(
    sent: int, answers: list[tuple[int, int]]
) -> None:
    mean = Fraction(sum(w * n for w, n in answers), sum(n for _, n in answers))
    assert exchanged(Paper(), sent, answers) == [trunc(mean)] * 2


@given(weights, devices, st.integers(1, 15))
def test_momentum_adds_a_share_of_the_last_step(
    sent: int, answers: list[tuple[int, int]], momentum: int
) -> None:
    mean = Fraction(sum(w * n for w, n in answers), sum(n for _, n in answers))
    total = sum(n for _, n in answers)
    average = floor(mean * 256 + Fraction(total // 2, total))
    bound, half = 32767 * 256, Fraction(1, 2)
    own, last, window = sent * 256, 0, sent * 256
    for exchange in (1, 2, 3):
        down = floor(Fraction(own, 256) + half)
        step = average - down * 256 + floor(Fraction(momentum * last, 16) + half)
        after = max(-bound, min(bound, own + step))
        own, last = after, after - own
        window += floor(Fraction(own - window, exchange) + half)
    expected = [floor(Fraction(value, 256) + half) for value in (own, window)]
    recipe = Tuned(server_rate=1, server_momentum=momentum, running_mean_growth=0)
    assert exchanged(recipe, sent, answers, 3) == expected


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


@pytest.mark.parametrize("sign", [1, -1])
def test_the_servers_copy_saturates_and_comes_back_from_its_bound(sign: int) -> None:
    """Weights and biases, and the copy itself: what is sent next is no more than its rounding."""
    recipe = Tuned(running_mean=1, server_momentum=0)
    network, server = recipe.network((1, 2), 1), recipe.server("full-network", 1)
    bound, far = 32767, sign * 30_000
    assert network.layers[0].weight_bound == network.layers[0].bias_bound == bound

    def all_of(value: int) -> Parameters:
        weight, bias = np.full((1, 2), value, np.int16), np.full(2, value, np.int16)
        return Parameters(np.zeros(1, np.int8), (weight,), (bias,))

    state = initial_state(server, all_of(-far), 1)
    # Twice the step of 60,000 ends at three times 30,000, ...
    state = aggregate(network, server, state, device_update(0, all_of(far), (0,), 1, Statistics()))
    for kept in (state.layers[0].weight, state.layers[0].bias):
        assert (kept == sign * bound << server.fraction_bits).all()
    assert state.parameters == all_of(sign * bound)
    # ... and twice one step back leads away from the bound, not from there.
    less = all_of(sign * (bound - 100))
    state = aggregate(network, server, state, device_update(0, less, (0,), 1, Statistics()))
    assert state.parameters == all_of(sign * (bound - 200))


def test_in_single_layer_mode_two_layers_step_by_two_and_by_a_half() -> None:
    recipe = Tuned()
    network, server = recipe.network((4, 3, 2), 1), recipe.server("single-layer", 2)
    state = initial_state(server, start_parameters(network, (300, 300), 1), 2)
    other = start_parameters(network, (300, 300), 2)
    after = aggregate(network, server, state, device_update(0, other, (0, 1), 5, Statistics()))
    for number in (0, 1):
        sent = state.parameters.weights[number].astype(int)
        step = (other.weights[number] - sent) * 256
        own = after.layers[number].weight
        np.testing.assert_array_equal(own - sent * 256, step // 2 if number else 2 * step)


def test_half_a_step_is_rounded_to_nearest_with_halves_up() -> None:
    # Three devices of which one moves by ±1: the mean moves by nearest(±256/3) = ±85.
    network = Tuned().network((4, 3, 2), 1)
    server = Tuned().server("single-layer", 2)
    for move, own in ((1, 43), (-1, -42)):
        state = initial_state(server, start_parameters(network, (0, 0), 1), 3)
        moved = state.parameters.weights[1].copy()
        moved[0, 0] = move
        answers = (moved, state.parameters.weights[1], state.parameters.weights[1])
        updates = [
            device_update(
                device, replace(state.parameters, weights=(state.parameters.weights[0], weight)),
                (1,), 1, Statistics(),
            )
            for device, weight in enumerate(answers)
        ]  # fmt: skip
        after = aggregate(network, server, state, total(updates))
        assert int(after.layers[1].weight[0, 0]) == own


@pytest.mark.parametrize(
    ("recipe", "mode", "depth", "halves"),
    [
        (Tuned(), "full-network", 2, [4, 4]),
        (Tuned(), "single-layer", 1, [2]),
        (Tuned(), "single-layer", 2, [4, 1]),
        (Tuned(server_rate=1), "single-layer", 2, [2, 2]),
        (Tuned(), "single-layer", 3, [2, 2, 2]),
        (Tuned(), "per-device", 2, [2, 2]),
        (Tuned(server_rate=3), "single-layer", 2, [6, 6]),
        (Paper(), "single-layer", 2, [2, 2]),
    ],
)
def test_rates_of_the_server(recipe: Recipe, mode: Mode, depth: int, halves: list[int]) -> None:
    server = recipe.server(mode, depth)
    assert [server.rate_halves_of(layer) for layer in range(depth)] == halves


def test_the_published_model_is_a_running_mean() -> None:
    # The devices' answer is 100 whatever is sent, so the server's copy overshoots to 200 and
    # comes back to 0, and so on: 200, 0, 200, 0; their means are 200, 100, 133⅓, 100.
    plain = {"server_momentum": 0, "running_mean_growth": 0}
    recipe = Tuned(running_mean=16, **plain)
    sent, given_out = exchanged(recipe, 0, [(100, 1)], times=3)
    assert (sent, given_out) == (200, 133)
    assert exchanged(Tuned(running_mean=1, **plain), 0, [(100, 1)], times=3) == [200, 200]


@pytest.mark.parametrize(
    ("growth", "means"),
    # The copies are 200, 0, 200, 0, ...: each is added to the mean with a share of 1 by the window.
    [(0, [200, 100, 133, 100, 120]), (1, [200, 0, 100, 50, 100]), (2, [200, 0, 200, 0, 100])],
)
def test_the_window_of_the_running_mean_grows(growth: int, means: list[int]) -> None:
    recipe = Tuned(server_momentum=0, running_mean_growth=growth)
    found = [exchanged(recipe, 0, [(100, 1)], times)[1] for times in range(1, 6)]
    assert found == means


def test_the_running_mean_is_rounded_to_nearest_with_its_fraction() -> None:
    """A third of the devices says 1: the mean is nearest(256/3) = 85, and E is rounded, too."""
    recipe = Tuned(server_rate=1, server_momentum=0, running_mean_growth=0)
    network, server = recipe.network((1, 2), 1), recipe.server("full-network", 1)
    state, kept = initial_state(server, one_weight(0), 3), []
    update = total(
        device_update(device, one_weight(int(device == 0)), (0,), 1, Statistics())
        for device in range(3)
    )
    for _ in range(3):
        state = aggregate(network, server, state, update)
        layer = state.layers[0]
        kept.append((int(layer.weight[0, 0]), int(layer.mean_weight[0, 0])))
    # 85 + nearest(85/2) = 128; then 1 is sent, so the copy goes back by 171: 128 + nearest(-129/3).
    assert kept == [(85, 85), (170, 128), (-1, 85)]


@given(st.permutations(range(5)), st.integers(1, 4))
def test_partial_sums_can_be_added_in_any_order_and_grouping(order: list[int], cut: int) -> None:
    network = Tuned().network((4, 3, 2), 1)
    updates = []
    for device in range(5):
        parameters = start_parameters(network, (300, 300), device)
        layers = (0, 1) if device % 2 else (device % 2,)
        updates.append(device_update(device, parameters, layers, device + 1, Statistics(visits=1)))
    straight = total(updates)
    mixed = [updates[place] for place in order]
    grouped = total([total(mixed[:cut]), total(mixed[cut:])])
    assert sorted(grouped.devices) == [0, 1, 2, 3, 4]
    assert grouped.statistics == straight.statistics
    for number, part in straight.layers.items():
        other = grouped.layers[number]
        np.testing.assert_array_equal(part.weight, other.weight)
        np.testing.assert_array_equal(part.bias, other.bias)
        assert (part.samples, part.devices) == (other.samples, other.devices)


def test_a_layer_without_an_update_stays_as_it_was() -> None:
    recipe = Tuned()
    network, server = recipe.network((4, 3, 2), 1), recipe.server("full-network", 2)
    state = initial_state(server, start_parameters(network, (300, 300), 1), 2)
    other = start_parameters(network, (300, 300), 2)
    after = aggregate(network, server, state, device_update(0, other, (1,), 5, Statistics()))
    assert after.layers[0] is state.layers[0]
    np.testing.assert_array_equal(after.parameters.weights[0], state.parameters.weights[0])
    assert (after.parameters.weights[1] != state.parameters.weights[1]).any()
