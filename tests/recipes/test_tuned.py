import pytest

from tifed.network import Activation
from tifed.recipes import Tuned, TunedAbsolute, TunedInt8

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
