"""The float32 counterpart of a device's network: ReLU, softmax cross-entropy, two ways to learn.

Shapes: N samples, D features, C classes; layer l takes (N, in) and gives (N, out).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tifed.rule.integer import Key, Purpose, random32, stream_key

Floats = NDArray[np.float32]

INPUT_SCALE = 64
"""An input is ``(sample - centre) / 64``, so an int8 sample spans about -2..2."""

_START, _FEEDBACK = range(2)  # first index of the baseline's random streams


@dataclass(frozen=True, eq=False)
class FloatParameters:
    """What a float network has learnt.

    Attributes:
        centre: float32 (D,); subtracted from each int8 sample, in the sample's units.
        weights: per layer float32 (in, out).
        biases: per layer float32 (out,).
    """

    centre: Floats
    weights: tuple[Floats, ...]
    biases: tuple[Floats, ...]


@dataclass(frozen=True, eq=False)
class Gradients:
    """Derivatives of the mean loss of a mini-batch, and what was counted on the way.

    Attributes:
        weights: per trained layer float32 (in, out), by layer number.
        biases: per trained layer float32 (out,).
        missed: samples whose class was wrong.
    """

    weights: dict[int, Floats]
    biases: dict[int, Floats]
    missed: int


def start(
    shape: tuple[int, ...], centre: Floats, seed: int, zero_output: bool = False
) -> FloatParameters:
    """First parameters: weights uniform in ±sqrt(6 / fan-in) (He et al., 2015), biases 0.

    Args:
        shape: features, units of each hidden layer, classes.
        centre: float32 (D,).
        seed: of the experiment.
        zero_output: whether the output layer starts at 0 instead.
    """
    limits = [(6 / fan_in) ** 0.5 for fan_in in shape[:-1]]
    if zero_output:
        limits[-1] = 0.0
    weights = tuple(
        _uniform(stream_key(seed, Purpose.BASELINE, _START, layer), pair, limit)
        for layer, (pair, limit) in enumerate(zip(pairwise(shape), limits, strict=True))
    )
    biases = tuple(np.zeros(fan_out, np.float32) for fan_out in shape[1:])
    return FloatParameters(centre, weights, biases)


def random_feedback(shape: tuple[int, ...], seed: int) -> tuple[Floats, ...]:
    """Per hidden layer float32 (C, units), uniform in ±1 / sqrt(units)."""
    return tuple(
        _uniform(
            stream_key(seed, Purpose.BASELINE, _FEEDBACK, layer), (shape[-1], units), units**-0.5
        )
        for layer, units in enumerate(shape[1:-1])
    )


def inputs_of(centre: Floats, samples: NDArray[np.int8]) -> Floats:
    """Samples int8 (N, D) as the float32 inputs of the first layer."""
    return (samples.astype(np.float32) - centre) / np.float32(INPUT_SCALE)


def activations(parameters: FloatParameters, inputs: Floats) -> list[Floats]:
    """Inputs (N, D), each hidden layer's ReLU (N, units), and the output's logits (N, C)."""
    last = len(parameters.weights) - 1
    trace = [inputs]
    for layer, (W, b) in enumerate(zip(parameters.weights, parameters.biases, strict=True)):
        z = trace[-1] @ W + b
        trace.append(z if layer == last else np.maximum(z, np.float32(0)))
    return trace


def predict(parameters: FloatParameters, samples: NDArray[np.int8]) -> NDArray[np.int32]:
    """The class (N,) of each sample (N, D) int8: the largest output, the lowest class of equals."""
    logits = activations(parameters, inputs_of(parameters.centre, samples))[-1]
    best: NDArray[np.int64] = logits.argmax(axis=1)
    return best.astype(np.int32)


def gradients(
    parameters: FloatParameters,
    inputs: Floats,
    labels: NDArray[np.int32],
    layers: Sequence[int],
    feedback: tuple[Floats, ...] | None = None,
) -> Gradients:
    """One mini-batch's gradients of ``layers``.

    Args:
        parameters: the network.
        inputs: float32 (N, D).
        labels: int32 (N,).
        layers: numbers of the layers to train, one or more.
        feedback: per hidden layer float32 (C, units) for DFA; None for backpropagation.
    """
    trace = activations(parameters, inputs)
    rows = np.arange(len(labels))
    logits = trace[-1]
    shifted = logits - logits.max(axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    error = exponentials / exponentials.sum(axis=1, keepdims=True)
    error[rows, labels] -= 1
    error /= np.float32(len(labels))  # the derivative of the mean loss by the logits

    weights, biases = {}, {}
    delta = error
    for layer in range(len(parameters.weights) - 1, min(layers) - 1, -1):
        if layer in layers:
            weights[layer] = trace[layer].T @ delta
            biases[layer] = delta.sum(axis=0)
        if layer > 0:
            hidden = layer - 1
            reached = (
                delta @ parameters.weights[layer].T
                if feedback is None
                else (error @ feedback[hidden])
            )
            delta = reached * (trace[layer] > 0)
    missed = int(np.count_nonzero(logits.argmax(axis=1) != labels))
    return Gradients(weights, biases, missed)


def _uniform(key: Key, shape: tuple[int, int], limit: float) -> Floats:
    """Uniform in ±limit: the top 24 bits of random number ``row * columns + column``, exact."""
    numbers = random32(key, np.arange(shape[0] * shape[1], dtype=np.int64)) >> np.uint32(8)
    unit = numbers.astype(np.float32) / np.float32(1 << 23) - np.float32(1)
    return (unit * np.float32(limit)).reshape(shape)
