"""What `tuned` makes of a network's shape, and that it learns at any fan-in and amplitude."""

from dataclasses import replace

import numpy as np
import pytest

from tifed import Experiment, UsageError, load_experiment, run
from tifed.data import Dataset, load
from tifed.data.samples import Samples
from tifed.rule.front_end import FrontEnd
from tifed.rule.network import Activation, start_parameters
from tifed.rule.recipes import Tuned

A, R, OUT = Activation.ABSOLUTE, Activation.RELU, Activation.IDENTITY


@pytest.mark.parametrize(
    ("depth", "activations"),
    [(1, [OUT]), (2, [A, OUT]), (3, [A, A, OUT]), (4, [R, R, R, OUT])],
)
def test_hidden_layers_have_absolute_value_up_to_three_layers(
    depth: int, activations: list[Activation]
) -> None:
    shape = (784, *(100,) * (depth - 1), 10)
    assert [layer.activation for layer in Tuned().network(shape, 10).layers] == activations
    for kind in (A, R):  # what is given is taken as it is
        given = Tuned(activation=kind).network(shape, 10)
        assert {layer.activation for layer in given.layers[:-1]} <= {kind}


@pytest.mark.parametrize(
    ("depth", "more"), [(1, [0]), (2, [1, 2]), (3, [1, 1, 2]), (4, [1, 1, 1, 2])]
)
def test_absolute_value_halves_the_steps_and_quarters_the_last(depth: int, more: list[int]) -> None:
    shape = (784, *(100,) * (depth - 1), 10)
    absolute, relu = (Tuned(activation=kind).network(shape, 10) for kind in (A, R))
    shifts = zip(absolute.layers, relu.layers, strict=True)
    assert [a.update_shift - r.update_shift for a, r in shifts] == more
    given = Tuned(activation=A, update_shifts=(7,) * depth).network(shape, 10)
    assert [layer.update_shift for layer in given.layers] == [7] * depth


@pytest.mark.parametrize(
    ("features", "energy", "shift"),
    # Bits of the energy, or of the bias's, less 13, less log2 of the features; never below -4.
    [
        (784, 4_442_216, 0),
        (784, 1_692_731, -2),
        (392, 318_723, -3),
        (64, 306_550, 0),
        (320, 513_091, -2),
        (10_000, 23_965_487, -1),
        (784, 65_025 * 784, 3),
        (784, 0, -4),
        (16, 5_667, -2),
        (32, 12_571, -3),
    ],
)
def test_the_first_layers_step_follows_the_inputs_energy(
    features: int, energy: int, shift: int
) -> None:
    network = Tuned().network((features, 32, 10), 10)
    assert Tuned().energy_shift(network, energy) == shift
    assert Tuned(update_shifts=(7, 7)).energy_shift(network, energy) == 0


@pytest.mark.parametrize("name", ["edges-small", "octants"])
def test_few_faint_features_are_learnt(name: str) -> None:
    """The first weights settle, although the bias's input is larger than all others together."""
    inputs = FrontEnd(name, (8, 8, 1)).features
    assert run(Experiment(front_end=name, layers=(inputs, 32, 10), rounds=12)).accuracy > 0.8


def test_half_the_amplitude_is_two_shifts_less() -> None:
    network = Tuned().network((784, 32, 10), 10)
    full, half = (Tuned().energy_shift(network, energy) for energy in (1 << 23, 1 << 21))
    assert full - half == 2


def test_hidden_layers_start_nearly_linear() -> None:
    recipe = Tuned()
    network = recipe.network((784, 200, 10), 10)
    assert recipe.start(network) == (64, 32)
    assert recipe.start_biases(network) == (1 << 12, 0)
    first = recipe.start_parameters(network, 1)
    assert set(first.biases[0].tolist()) == {1 << 12}
    assert not first.biases[1].any()
    deep = recipe.network((1025, 200, 100, 10), 10)
    assert recipe.start_biases(deep) == (1 << 12, 0, 0)
    assert recipe.start(deep) == (64, 256, 128)
    other = Tuned(start_range=300, start_bias=0)
    assert (other.start(network), other.start_biases(network)) == ((300, 150), (0, 0))
    with pytest.raises(UsageError, match="start: bias 40000 of layer 0 is not within ±32767"):
        start_parameters(network, recipe.start(network), 1, (40_000, 0))


def test_updates_are_halved_where_momentum_makes_up_for_it() -> None:
    recipe = Tuned()
    assert [recipe.extra_shift(number, 20, "full-network") for number in (0, 11, 12)] == [1, 1, 2]
    # A short run takes whole steps, and so does a mode without momentum.
    assert [recipe.extra_shift(number, 15, "full-network") for number in (0, 9)] == [0, 1]
    assert [recipe.extra_shift(number, 20, "single-layer") for number in (0, 12)] == [0, 1]
    assert recipe.server("full-network", 2).momentum == 8
    assert recipe.server("single-layer", 2).momentum == 0
    assert Tuned(halvings=2).extra_shift(0, 5, "single-layer") == 2


OLD = {"server_momentum": 0, "halvings": 0, "running_mean_growth": 0, "start_bias": 0}
RELU = {**OLD, "activation": "relu", "start_range": 256, "update_shifts": [7, 6]}
ABSOLUTE = {**OLD, "activation": "absolute", "start_range": 256, "update_shifts": [8, 7]}
MOMENTUM = {**ABSOLUTE, "server_momentum": 8, "halvings": 1}
NARROW_RELU = {**RELU, "weight_bits": 8, "start_range": 16, "update_shifts": [11, 10]}
NARROW = {**ABSOLUTE, "weight_bits": 8, "start_range": 16, "update_shifts": [12, 11]}
ROLES = ["mode=single-layer", "assignment=rotating", "recipe_settings.server_rate=1"]


@pytest.mark.parametrize(
    ("settings", "more", "digest"),
    # Of release 0.1: `tuned`, `tuned-absolute`, that with momentum, `tuned-int8`, and
    # `tuned-absolute` with 8-bit weights, each in full-network and in single-layer mode.
    [
        (RELU, [], "282f18175d7a8e03"),
        (RELU, ROLES, "bac9992072080f6f"),
        (ABSOLUTE, [], "7257c634dc351e7a"),
        (ABSOLUTE, ["mode=single-layer"], "fcb62e4316f2ba90"),
        (MOMENTUM, [], "bbcaacb91c41c259"),
        (MOMENTUM, ["mode=single-layer"], "5ea36bfa1c6581d4"),
        (NARROW_RELU, [], "732453d2df0a3db3"),
        (NARROW_RELU, ROLES, "931f0d31bbedb870"),
        (NARROW, [], "455d9805b2dbb03b"),
        (NARROW, ["mode=single-layer"], "79df567615da231c"),
    ],
)
def test_the_recipes_that_were_are_settings_of_this_one(
    settings: dict[str, object], more: list[str], digest: str
) -> None:
    own = [f"recipe_settings.{name}={value}" for name, value in settings.items()]
    experiment = load_experiment(preset="digits", overrides=["rounds=5", *own, *more])
    assert run(experiment).digest.startswith(digest)


def far_apart(features: int, amplitude: int) -> Dataset:
    """Four classes that a nearest-centroid rule tells apart, with ``amplitude`` of noise."""
    generator = np.random.default_rng(9)
    distance = 7.07 * max(1.0, features / 10_000) ** 0.25
    centres = generator.normal(size=(4, features)) * (distance / np.sqrt(features))
    labels = generator.permutation(np.arange(400) % 4).astype(np.int32)
    numbers = (centres[labels] + generator.normal(size=(400, features))) * amplitude
    values = np.clip(np.rint(numbers), -128, 127).astype(np.int8)
    first, last = Samples(values[:320], labels[:320]), Samples(values[320:], labels[320:])
    return Dataset("far apart", first, last, ("a", "b", "c", "d"))


@pytest.mark.parametrize("activation", ["absolute", "relu"])
@pytest.mark.parametrize(
    ("features", "amplitude"),
    [
        (4, 30),
        (4, 15),
        (64, 30),
        (1024, 30),
        (1024, 15),
        pytest.param(10_000, 30, marks=pytest.mark.slow(5)),
        pytest.param(65_536, 30, marks=pytest.mark.slow(30)),
    ],
)
def test_four_classes_far_apart_are_learnt_at_any_width(
    features: int, amplitude: int, activation: str
) -> None:
    # Shorter runs take whole steps, which are too large for ReLU with 65,536 features. Weights are
    # bounded by 255 there, so that sums fit in 32 bits, and not all is learnt.
    rounds = 16 if features > 10_000 else 30
    experiment = Experiment(
        layers=(features, 16, 4), devices=4, rounds=rounds, evaluate_every=rounds,
        recipe_settings={"activation": activation},
    )  # fmt: skip
    found = run(experiment, dataset=far_apart(features, amplitude)).accuracy
    assert found >= (0.8 if features > 10_000 else 0.95)


def test_a_fraction_of_the_amplitude_needs_no_settings() -> None:
    """Half, a quarter and an eighth; what is lost is the precision of the rounded input."""
    whole = load("digits")
    found = []
    for shift in (0, 1, 2, 3):
        train, test = (
            replace(part, features=part.features >> shift) for part in (whole.train, whole.test)
        )
        dataset = replace(whole, train=train, test=test, report=None, quantisation=None)
        runs = [
            run(load_experiment(preset="digits", overrides=[f"seed={seed}"]), dataset=dataset)
            for seed in (1, 2, 3)
        ]
        found.append(sum(one.accuracy for one in runs) / 3)
    assert found[0] > 0.965
    assert min(found) > found[0] - 0.013
