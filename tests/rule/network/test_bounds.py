"""No sum overflows: the bounds of SPEC 4, checked at their corners."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tifed.errors import UsageError
from tifed.rule.integer import Rounding
from tifed.rule.learning import LocalWork, feedback_matrices, forward, train
from tifed.rule.network import Activation, Layer, Network, Parameters, ranges, start_parameters
from tifed.rule.recipes import Paper, Recipe, Tuned

INT32 = 2**31 - 1


@given(
    fan_in=st.integers(1, 65536),
    input_limit=st.sampled_from([127, 128]),
    shift=st.integers(0, 20),
    bias_shift=st.integers(0, 8),
    bits=st.sampled_from([8, 16]),
)
def test_the_weight_bound_is_the_largest_that_cannot_overflow(
    fan_in: int, input_limit: int, shift: int, bias_shift: int, bits: int
) -> None:
    layer = Layer(
        fan_in, 3, input_limit, Activation.RELU, shift, 9, bias_shift=bias_shift, weight_bits=bits
    )
    assert layer.sum_limit <= INT32
    assert layer.weight_bound >= 1
    one_more = (layer.weight_bound + 1) * fan_in * input_limit
    assert (
        layer.weight_bound == 2 ** (bits - 1) - 1
        or one_more + (32767 << bias_shift) + layer.offset > INT32
    )


@pytest.mark.parametrize("recipe", [Paper(), Tuned()], ids=["paper", "tuned"])
def test_extreme_weights_and_samples_reach_the_bound_and_no_further(recipe: Recipe) -> None:
    network = recipe.network((784, 5, 3), 10)
    layer = network.layers[0]
    weights = tuple(
        np.full((it.fan_in, it.fan_out), it.weight_bound, np.int16) for it in network.layers
    )
    biases = tuple(np.full(it.fan_out, 32767, np.int16) for it in network.layers)
    parameters = Parameters(np.zeros(784, np.int8), weights, biases)
    samples = np.full((1, 784), -128, np.int8)
    trace = forward(network, parameters, samples)
    z = int((trace.inputs[0] @ weights[0].astype(np.int64))[0, 0])
    assert z == 784 * layer.weight_bound * (-128 >> network.input_shift)
    # A weight that its type would hold but the accumulator would not: 784·128·32767 > 2^31.
    assert layer.weight_bound < 32767
    assert 784 * 128 * 32767 > INT32 >= 784 * 128 * layer.weight_bound


def test_updates_saturate_at_the_bound() -> None:
    network = Paper(inverse_learning_rate=1).network((784, 2), 25)
    parameters = start_parameters(network, (0,), 1)
    samples = np.full((25, 784), 127, np.int8)
    labels = np.zeros(25, np.int32)
    trained, statistics = train(network, parameters, (), samples, labels, LocalWork(25, 0, 1, (0,)))
    bound = network.layers[0].weight_bound
    # One step would move the weights to 25·127·16 = 50,800, past the bound but within int32.
    assert bound < 25 * 127 * 16
    assert (trained.weights[0][:, 0] == bound).all()
    assert statistics.clipped_parameters == 784


@given(
    hidden=st.lists(st.integers(1, 300), max_size=3),
    classes=st.integers(2, 40),
    batch=st.integers(1, 64),
    paper=st.booleans(),
)
def test_every_proven_range_fits_its_type(
    hidden: list[int], classes: int, batch: int, paper: bool
) -> None:
    recipe: Recipe = Paper() if paper else Tuned()
    network = recipe.network((100, *hidden, classes), batch)
    if batch <= network.largest_batch:
        assert all(row.fits for row in ranges(network, batch))


def test_a_smaller_shift_of_the_first_layer_makes_larger_steps() -> None:
    network = Tuned().network((6, 5, 3), 4)
    gradient = 4 * 128 * network.delta_limit(0)
    shift = network.layers[0].update_shift
    rows, plain = ranges(network, 4, -3), ranges(network, 4)
    (changed,) = [(one, other) for one, other in zip(rows, plain, strict=True) if one != other]
    assert (changed[0].layer, changed[0].quantity) == (0, "new weight")
    for row, by in zip(changed, (shift - 3, shift), strict=True):
        assert row.high == network.layers[0].weight_bound + -(-gradient >> by)


def test_training_stays_within_the_proven_ranges() -> None:
    for recipe in (Paper(inverse_learning_rate=16), Tuned(update_shifts=(0, 0))):
        network = recipe.network((9, 7, 3), 4)
        rows = {(row.layer, row.quantity): row for row in ranges(network, 4)}
        generator = np.random.default_rng(0)
        samples = generator.choice(np.array([-128, 127], np.int8), (40, 9))
        labels = generator.integers(0, 3, 40).astype(np.int32)
        parameters = start_parameters(network, recipe.start(network), 3)
        feedback = feedback_matrices(network, 3)
        for _ in range(20):
            work = LocalWork(4, 0, 10, (0, 1))
            parameters, _ = train(network, parameters, feedback, samples, labels, work)
            trace = forward(network, parameters, samples)
            for layer in (0, 1):
                weight = rows[layer, "weight"]
                assert weight.low <= parameters.weights[layer].min()
                assert parameters.weights[layer].max() <= weight.high
            assert np.abs(trace.output).max() <= rows[1, "activation"].high


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"fan_in": 0}, "fan_in"),
        ({"fan_out": -1}, "fan_out"),
        ({"rescale_shift": 25}, "rescale_shift"),
        ({"update_shift": -1}, "update_shift"),
        ({"weight_bits": 12}, "weight_bits"),
        ({"rescale_rounding": Rounding.STOCHASTIC}, "rescale_rounding"),
        ({"update_rounding": Rounding.TOWARD_ZERO}, "update_rounding"),
        ({"update_rounding": Rounding.STOCHASTIC, "update_shift": 17}, "update_shift"),
        ({"rescale_factor": 65536, "rescale_shift": 15}, "rescale_factor"),
    ],
)
def test_an_impossible_layer_is_refused_by_field(changes: dict[str, object], field: str) -> None:
    fields: dict[str, object] = {
        "fan_in": 10,
        "fan_out": 5,
        "input_limit": 128,
        "activation": Activation.RELU,
        "rescale_shift": 14,
        "update_shift": 9,
    }
    with pytest.raises(UsageError, match=field):
        Layer(**(fields | changes))  # type: ignore[arg-type]


def test_layers_that_do_not_meet_are_refused() -> None:
    layers = Tuned().network((8, 4, 2), 1).layers
    network = Tuned().network((8, 4, 2), 1)
    with pytest.raises(UsageError, match="layer 0 gives 2 values, layer 1 takes 8"):
        Network(layers[::-1], network.error, 48, network.feedback)
    with pytest.raises(UsageError, match="at least one layer"):
        Network((), network.error, 48, network.feedback)
    with pytest.raises(UsageError, match="class is too few"):
        Tuned().network((8, 4, 1), 1)
