"""The learning rule, executable: Direct Feedback Alignment in integers (SPEC, section 5).

This is the reference that every other implementation must equal bit for bit, so it is written to
be read, in int64, and never made faster. Shapes: N samples, D features, C classes; layer l takes
(N, in) and gives (N, out).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tifed.rule.integer import Key, Purpose, Rounding, random16, saturate, shift_right, stream_key
from tifed.rule.integer.rounding import Integers
from tifed.rule.learning.activation import activate, through_slope
from tifed.rule.learning.feedback import FeedbackMatrices, output_sign
from tifed.rule.learning.pixel_shifts import visited
from tifed.rule.learning.work import LocalWork, Statistics
from tifed.rule.network import ErrorKind, Feedback, Layer, Network, Parameters, Tensor


@dataclass(frozen=True)
class Trace:
    """What a forward pass leaves for the updates.

    Attributes:
        inputs: per layer int64 (N, in): what it was given.
        inverse_slopes: per layer int64 (N, out): of its activation.
        output: int64 (N, C).
    """

    inputs: tuple[Integers, ...]
    inverse_slopes: tuple[Integers, ...]
    output: Integers


def forward(network: Network, parameters: Parameters, samples: NDArray[np.int8]) -> Trace:
    """Run samples (N, D) int8 through every layer."""
    a = (samples.astype(np.int64) - parameters.centre) >> network.input_shift
    inputs, inverse_slopes = [], []
    for layer, W, b in zip(network.layers, parameters.weights, parameters.biases, strict=True):
        z = a @ W.astype(np.int64) + (b.astype(np.int64) << layer.bias_shift)
        v = (z + layer.offset) // layer.divisor
        inputs.append(a)
        a, inverse_slope = activate(layer.activation, v)
        inverse_slopes.append(inverse_slope)
    return Trace(tuple(inputs), tuple(inverse_slopes), a)


def classify(
    network: Network, parameters: Parameters, samples: NDArray[np.int8]
) -> NDArray[np.int32]:
    """The class (N,) of each sample (N, D): the largest output, the lowest class of equals."""
    best: NDArray[np.int64] = forward(network, parameters, samples).output.argmax(axis=1)
    return best.astype(np.int32)


def margins(network: Network, parameters: Parameters, samples: NDArray[np.int8]) -> Integers:
    """By how much (N,) the largest output of each sample (N, D) is above the second largest.

    0 for equals: how sure a class is. At most 255 with pocket tanh at the output, 127 with ReLU
    and absolute value, and 2**32 / divisor, rounded up, with identity.
    """
    ordered = np.sort(forward(network, parameters, samples).output, axis=1)
    margin: Integers = ordered[:, -1] - ordered[:, -2]
    return margin


def output_error(network: Network, output: Integers, labels: NDArray[np.int32]) -> Integers:
    """Error e (N, C) of outputs (N, C) against labels (N,)."""
    rows = np.arange(len(labels))
    e = np.zeros_like(output)
    if network.error is ErrorKind.SQUARED:
        e[rows, labels] = network.error_level
        return output - e
    wrong = output.copy()
    wrong[rows, labels] = np.iinfo(np.int64).min
    rival = wrong.argmax(axis=1)
    lead = output[rows, labels] - output[rows, rival]
    u = np.clip(network.error_level - lead, 0, 127)
    e[rows, rival] = u
    e[rows, labels] = -u
    return e


def deltas(
    network: Network,
    parameters: Parameters,
    feedback: FeedbackMatrices,
    trace: Trace,
    labels: NDArray[np.int32],
) -> tuple[Integers, ...]:
    """Deltas before saturation, per layer (N, out).

    The last layer gets the error itself, a hidden layer the error through its own feedback matrix;
    both go through the slope of their activation.
    """
    e = output_error(network, trace.output, labels)
    reached = [e @ B for B in feedback] + [e]
    if network.feedback is Feedback.OUTPUT_SIGN and network.depth > 1:
        reached[-2] = e @ output_sign(parameters.weights[-1].astype(np.int64))
    return tuple(map(through_slope, reached, trace.inverse_slopes))


def train(
    network: Network,
    parameters: Parameters,
    feedback: FeedbackMatrices,
    samples: NDArray[np.int8],
    labels: NDArray[np.int32],
    work: LocalWork,
) -> tuple[Parameters, Statistics]:
    """One device's local work: mini-batch steps over the samples (N, D) in its buffer.

    Step ``s`` takes mini-batch ``s mod K`` of the K = ceil(N / batch) in the buffer. Within a step
    every delta is computed before any weight changes. Samples (copies, N, D) are several copies of
    each, of which visit ``s // K`` takes one (`chosen_copies`).

    Returns:
        New parameters (those of layers that ``work`` does not train are the given arrays) and
        what was counted on the way.
    """
    statistics = Statistics()
    batches = -(-len(labels) // work.batch)
    for step in range(work.first_step, work.first_step + work.steps):
        first = step % batches * work.batch
        taken = slice(first, first + work.batch)
        seen = visited(samples, work.seed, work.device, work.exchange, step // batches)
        trace = forward(network, parameters, seen[taken])
        missed = int(np.count_nonzero(trace.output.argmax(axis=1) != labels[taken]))
        statistics += Statistics(visits=len(labels[taken]), missed=missed)
        weights, biases = list(parameters.weights), list(parameters.biases)
        all_deltas = deltas(network, parameters, feedback, trace, labels[taken])
        for number in work.layers:
            layer = network.layers[number]
            delta, clipped_deltas = saturate(all_deltas[number], network.delta_bound)
            key = stream_key(work.seed, Purpose.ROUNDING, work.device, work.exchange, step, number)
            shift = work.update_shift(number, layer.update_shift)
            G = trace.inputs[number].T @ delta
            g = delta.sum(axis=0) << layer.bias_shift
            weights[number], clipped_weights = _updated(weights[number], G, layer, shift, key, 0)
            biases[number], clipped_biases = _updated(
                biases[number], g, layer, shift, key, layer.fan_in * layer.fan_out
            )
            statistics += Statistics(
                clipped_deltas=clipped_deltas, clipped_parameters=clipped_weights + clipped_biases
            )
        parameters = Parameters(parameters.centre, tuple(weights), tuple(biases))
    return parameters, statistics


def _updated(
    tensor: Tensor, gradient: Integers, layer: Layer, shift: int, key: Key, place: int
) -> tuple[Tensor, int]:
    """Weights or biases after a step, and how many of them saturated.

    Stochastic rounding gives the parameter at ``place`` p of the layer (weights in row order, then
    biases) half p of the stream (`random16`).
    """
    random_bits = None
    if layer.update_rounding is Rounding.STOCHASTIC:
        places = np.arange(place, place + tensor.size, dtype=np.int64)
        random_bits = random16(key, places).reshape(tensor.shape)
    step = shift_right(gradient, shift, layer.update_rounding, random_bits)
    bound = layer.weight_bound if tensor.ndim == 2 else layer.bias_bound
    updated, clipped = saturate(tensor.astype(np.int64) - step, bound)
    return updated.astype(tensor.dtype), clipped
