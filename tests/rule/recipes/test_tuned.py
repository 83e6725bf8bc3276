"""What the tuned recipes make of a network's shape, and that it learns at any fan-in."""

from pathlib import Path

import numpy as np
import pytest

from tifed import Experiment, UsageError, run
from tifed.rule.network import Activation, start_parameters
from tifed.rule.recipes import Tuned, TunedAbsolute, TunedInt8

A, R, OUT = Activation.ABSOLUTE, Activation.RELU, Activation.IDENTITY


@pytest.mark.parametrize(
    ("depth", "activations"),
    [(1, [OUT]), (2, [A, OUT]), (3, [A, A, OUT]), (4, [R, R, R, OUT])],
)
def test_tuned_absolute_has_absolute_value_up_to_three_layers(
    depth: int, activations: list[Activation]
) -> None:
    shape = (784, *(100,) * (depth - 1), 10)
    network = TunedAbsolute().network(shape, 10)
    assert [layer.activation for layer in network.layers] == activations
    for recipe in (Tuned(), TunedInt8()):
        assert {layer.activation for layer in recipe.network(shape, 10).layers[:-1]} <= {R}


def test_tuned_absolute_steps_by_layer_where_each_of_two_has_devices_of_its_own() -> None:
    recipe = TunedAbsolute()
    assert recipe.server("single-layer", 2).rate_halves == (4, 1)
    assert recipe.server("single-layer", 3) == Tuned().server("single-layer", 3)
    assert recipe.server("full-network", 2) == Tuned().server("full-network", 2)
    assert TunedAbsolute(server_rate=3).server("single-layer", 2).rate_halves == (6,)


@pytest.mark.parametrize(("depth", "more"), [(1, 0), (2, 1), (3, 1), (4, 1)])
def test_absolute_value_halves_the_steps_of_every_layer(depth: int, more: int) -> None:
    shape = (784, *(100,) * (depth - 1), 10)
    absolute, relu = (Tuned(activation=kind).network(shape, 10) for kind in (A, R))
    shifts = zip(absolute.layers, relu.layers, strict=True)
    assert [a.update_shift - r.update_shift for a, r in shifts] == [more] * depth
    # What is given is taken as it is.
    given = Tuned(activation=A, update_shifts=(7,) * depth).network(shape, 10)
    assert [layer.update_shift for layer in given.layers] == [7] * depth


def test_wide_hidden_layers_start_nearly_linear() -> None:
    recipe = Tuned()
    narrow, wide = (recipe.network((fan_in, 20, 4), 10) for fan_in in (1024, 1025))
    assert recipe.start(narrow)[0] == 4 * recipe.start(wide)[0] == 256
    assert recipe.start_biases(narrow) == (0, 0)
    assert recipe.start_biases(wide) == (1 << 13, 0)
    first = recipe.start_parameters(wide, 1)
    assert set(first.biases[0].tolist()) == {1 << 13}
    assert not first.biases[1].any()
    with pytest.raises(UsageError, match="start: bias 40000 of layer 0 is not within ±32767"):
        start_parameters(wide, recipe.start(wide), 1, (40_000, 0))


@pytest.mark.parametrize("recipe", ["tuned", "tuned-absolute", "tuned-int8"])
@pytest.mark.parametrize("features", [4, 64, 3072, 10_000])
def test_four_classes_far_apart_are_learnt_at_any_width(
    tmp_path: Path, features: int, recipe: str
) -> None:
    """A nearest-centroid rule makes no error on these."""
    generator = np.random.default_rng(9)
    centres = generator.normal(size=(4, features)) * (7.07 / np.sqrt(features))
    labels = generator.permutation(np.arange(400) % 4)
    numbers = (centres[labels] + generator.normal(size=(400, features))).astype(np.float32)
    np.savez(tmp_path / "wide.npz", features=numbers, labels=labels)
    experiment = Experiment(
        dataset=str(tmp_path / "wide.npz"), devices=4, rounds=30, recipe=recipe, evaluate_every=30
    )
    assert run(experiment).accuracy >= 0.95
