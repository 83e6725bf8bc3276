"""The start of SPEC 6, what makes parameters equal, and what is refused of them."""

import re
from dataclasses import replace

import numpy as np
import pytest

from tifed.errors import UsageError
from tifed.rule.integer import Purpose, below, stream_key
from tifed.rule.network import (
    Activation,
    Layer,
    Network,
    Parameters,
    bias_dtype,
    check_parameters,
    start_parameters,
    weight_dtype,
)
from tifed.rule.recipes import Tuned


@pytest.fixture
def network() -> Network:
    return Tuned().network((6, 5, 3), 4)


@pytest.fixture
def parameters(network: Network) -> Parameters:
    return start_parameters(network, (300, 7), 9)


def test_the_start_is_drawn_row_by_row_from_the_layers_own_stream(network: Network) -> None:
    start = start_parameters(network, (300, 0), 9)
    key = stream_key(9, Purpose.START, 0)
    drawn = [[int(below(key, 5 * i + j, 601)) - 300 for j in range(5)] for i in range(6)]
    assert start.weights[0].tolist() == drawn
    assert start.weights[1].tolist() == [[0] * 3] * 5
    other = stream_key(9, Purpose.START, 1)
    last = start_parameters(network, (0, 1), 9).weights[1]
    assert last.tolist() == [
        [int(below(other, 3 * i + j, 3)) - 1 for j in range(3)] for i in range(5)
    ]
    assert [bias.tolist() for bias in start.biases] == [[0] * 5, [0] * 3]
    assert (start.centre.tolist(), start.centre.dtype) == ([0] * 6, np.dtype(np.int8))
    check_parameters(network, start)


def test_a_start_range_goes_up_to_the_weights_bound(network: Network) -> None:
    bound = network.layers[0].weight_bound
    start_parameters(network, (bound, 0), 1)
    for limit in (bound + 1, -1):
        with pytest.raises(UsageError, match=rf"start: {limit} of layer 0 is not in 0\.\.{bound}"):
            start_parameters(network, (limit, 0), 1)
    with pytest.raises(UsageError, match="start: 3 values for 2 layers"):
        start_parameters(network, (0, 0, 0), 1)


@pytest.mark.parametrize(("bits", "weight", "bias"), [
    (8, "int8", "int16"), (16, "int16", "int16"), (32, "int32", "int32"),
])  # fmt: skip
def test_types_follow_the_weights_width(bits: int, weight: str, bias: str) -> None:
    layer = Layer(2, 3, 128, Activation.RELU, 4, 4, weight_bits=bits)
    assert (weight_dtype(layer), bias_dtype(layer)) == (np.dtype(weight), np.dtype(bias))


def test_parameters_are_equal_in_shape_type_and_value(parameters: Parameters) -> None:
    same = Parameters(
        parameters.centre.copy(),
        tuple(w.copy(order="F") for w in parameters.weights),
        tuple(b.astype(">i2") for b in parameters.biases),
    )
    assert same == parameters
    assert hash(same) == hash(parameters)
    wide = replace(same, biases=tuple(b.astype(np.int32) for b in same.biases))
    assert wide != parameters
    assert replace(same, centre=same.centre + np.int8(1)) != parameters
    assert parameters != parameters.digest


def one_changed(array: np.ndarray, value: int) -> np.ndarray:
    changed = array.copy()
    changed.flat[-1] = value
    return changed


def test_what_is_out_of_bounds_is_named(network: Network, parameters: Parameters) -> None:
    first, last = parameters.biases
    for value in (32767, -32767):
        check_parameters(network, replace(parameters, biases=(first, one_changed(last, value))))
    wrong = replace(parameters, biases=(first, one_changed(last, -32768)))
    with pytest.raises(UsageError, match=r"layer\.1\.bias: magnitude 32768 passes the bound 32767"):
        check_parameters(network, wrong)
    narrow = Tuned().network((784, 5, 3), 4)
    bound = narrow.layers[0].weight_bound
    start = start_parameters(narrow, (0, 0), 1)
    for sign in (1, -1):
        weights = (one_changed(start.weights[0], sign * bound), start.weights[1])
        check_parameters(narrow, replace(start, weights=weights))
        weights = (one_changed(start.weights[0], sign * (bound + 1)), start.weights[1])
        with pytest.raises(UsageError, match=rf"layer\.0\.weight: magnitude {bound + 1} passes"):
            check_parameters(narrow, replace(start, weights=weights))
    # An int8 centre may be anything.
    check_parameters(network, replace(parameters, centre=one_changed(parameters.centre, -128)))


def test_what_has_another_shape_or_type_is_named(network: Network, parameters: Parameters) -> None:
    centre, weights, biases = parameters.centre, parameters.weights, parameters.biases
    turned, wide = (weights[0].T, weights[1]), (biases[0], biases[1].astype(np.int32))
    for wrong, message in (
        (Parameters(centre[:5], weights, biases), "input.centre: int8 (5,) where the network"),
        (Parameters(centre.astype(np.int16), weights, biases), "input.centre: int16 (6,) where"),
        (Parameters(centre, turned, biases), "layer.0.weight: int16 (5, 6) where"),
        (Parameters(centre, weights, wide), "layer.1.bias: int32 (3,) where"),
        (Parameters(centre, weights[:1], biases[:1]), "parameters: 1 layers of arrays for 2"),
    ):
        with pytest.raises(UsageError, match=f"^{re.escape(message)}"):
            check_parameters(network, wrong)
