"""The baseline's gradients are those of its loss."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tifed.baselines.float_network import (
    FloatParameters,
    activations,
    gradients,
    predict,
    random_feedback,
    start,
)

Array = NDArray[Any]


def _small(dtype: type = np.float64) -> tuple[FloatParameters, Array, Array]:
    """A 5-4-3-3 network, in double precision so that differences of the loss are exact enough."""
    made = start((5, 4, 3, 3), np.zeros(5, np.float32), 3)
    parameters = FloatParameters(
        made.centre,
        tuple(W.astype(dtype) for W in made.weights),
        tuple(np.full(b.shape, 0.1, dtype) for b in made.biases),
    )
    generator = np.random.default_rng(0)
    inputs: Array = generator.uniform(-1, 1, (6, 5)).astype(dtype)
    return parameters, inputs, np.array([0, 1, 2, 2, 1, 0], np.int32)


def _mean_loss(parameters: FloatParameters, inputs: Array, labels: Array) -> float:
    """Cross-entropy written the other way round, straight from its definition."""
    logits = activations(parameters, inputs)[-1]
    probability = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return float(-np.log(probability[np.arange(len(labels)), labels]).mean())


def test_backpropagation_is_the_slope_of_the_loss() -> None:
    parameters, inputs, labels = _small()
    found = gradients(parameters, inputs, labels, (0, 1, 2))
    step = 1e-6
    compared = 0
    for tensors, slopes in (
        (parameters.weights, found.weights),
        (parameters.biases, found.biases),
    ):
        for layer, tensor in enumerate(tensors):
            for place in np.ndindex(tensor.shape):
                losses = []
                for sign in (1, -1):
                    tensor[place] += sign * step
                    losses.append(_mean_loss(parameters, inputs, labels))
                    tensor[place] -= sign * step
                expected = (losses[0] - losses[1]) / (2 * step)
                assert slopes[layer][place] == pytest.approx(expected, rel=1e-5, abs=1e-8)
                compared += abs(expected) > 1e-4
    assert compared > 30  # most slopes are not 0, or the comparison would say little


def test_dfa_carries_the_error_through_its_own_matrix() -> None:
    parameters, inputs, labels = _small()
    feedback = random_feedback((5, 4, 3, 3), 3)
    true = gradients(parameters, inputs, labels, (0, 1, 2))
    found = gradients(parameters, inputs, labels, (0, 1, 2), feedback)
    np.testing.assert_array_equal(found.weights[2], true.weights[2])
    _, first, second, logits = activations(parameters, inputs)
    error = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    error[np.arange(6), labels] -= 1
    hidden = (error / 6) @ feedback[0] * (first > 0)
    np.testing.assert_allclose(found.weights[0], inputs.T @ hidden, rtol=1e-6)
    np.testing.assert_allclose(
        found.biases[1], ((error / 6) @ feedback[1] * (second > 0)).sum(axis=0), rtol=1e-6
    )
    assert not np.allclose(found.weights[0], true.weights[0])


def test_only_the_layers_asked_for_get_a_gradient() -> None:
    parameters, inputs, labels = _small()
    everything = gradients(parameters, inputs, labels, (0, 1, 2))
    some = gradients(parameters, inputs, labels, (1,))
    assert set(some.weights) == set(some.biases) == {1}
    np.testing.assert_array_equal(some.weights[1], everything.weights[1])


def test_large_logits_do_not_overflow() -> None:
    parameters = FloatParameters(
        np.zeros(1, np.float32), (np.array([[500, -500]], np.float32),), (np.zeros(2, np.float32),)
    )
    found = gradients(parameters, np.ones((1, 1), np.float32), np.array([1], np.int32), (0,))
    assert found.weights[0].tolist() == [[1, -1]]
    assert found.missed == 1


def test_the_start_depends_on_the_seed_alone_and_fills_its_range() -> None:
    centre = np.zeros(64, np.float32)
    one, same, other = (start((64, 32, 10), centre, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.weights[0], same.weights[0])
    assert not np.array_equal(one.weights[0], other.weights[0])
    limit = (6 / 64) ** 0.5
    assert one.weights[0].dtype == np.float32
    assert 0.99 * limit < np.abs(one.weights[0]).max() <= limit
    assert one.weights[0].std() == pytest.approx((2 / 64) ** 0.5, rel=0.05)


def test_equals_go_to_the_lowest_class() -> None:
    flat = FloatParameters(
        np.zeros(2, np.float32), (np.zeros((2, 3), np.float32),), (np.zeros(3, np.float32),)
    )
    assert predict(flat, np.ones((2, 2), np.int8)).tolist() == [0, 0]
