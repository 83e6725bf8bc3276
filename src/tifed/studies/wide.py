"""The learning rule for wide weights, fast enough to emulate the published schedule.

The accident drives weights past int16, so the native engine, whose weights are a device's, cannot
follow it, and the oracle is written to be read: int64 matrix products have no fast library. Here
the same integers travel as float64 into and out of BLAS. That changes nothing: a float64 holds
every integer below 2**53, and no sum, partial sums in any order included, can reach that
(`_check`). For simulation only: a device needs nothing of this.
"""

from functools import lru_cache
from typing import cast

import numpy as np
from numpy.typing import NDArray

from tifed.errors import UsageError
from tifed.rule.integer import Rounding, saturate
from tifed.rule.integer.rounding import Integers
from tifed.rule.learning import FeedbackMatrices, LocalWork, Statistics
from tifed.rule.learning.activation import activate
from tifed.rule.learning.oracle import Trace, deltas
from tifed.rule.learning.pixel_shifts import visited
from tifed.rule.network import Activation, Network, Parameters, Tensor

NAME = "wide"
"""What a run says of who computed it."""

_EXACT = 1 << 53
_ROWS = 2000  # samples classified at a time, for the sake of memory

Floats = NDArray[np.float64]

_END = 128  # from here on, and below -128, the pocket tanh is flat
_VALUES, _INVERSE_SLOPES = activate(Activation.POCKET_TANH, np.arange(-_END, _END + 1))


class Wide:
    """An engine with the oracle's results, for the published arithmetic."""

    def train(
        self,
        network: Network,
        parameters: Parameters,
        feedback: FeedbackMatrices,
        samples: NDArray[np.int8],
        labels: NDArray[np.int32],
        work: LocalWork,
    ) -> tuple[Parameters, Statistics]:
        """One device's local work; see `tifed.rule.learning.oracle.train`.

        Raises:
            UsageError: if the network or the mini-batch is not one that this engine can do.
        """
        _check(network, work.batch)
        statistics = Statistics()
        weights, biases = list(parameters.weights), list(parameters.biases)
        batches = -(-len(labels) // work.batch)
        for step in range(work.first_step, work.first_step + work.steps):
            first = step % batches * work.batch
            taken = slice(first, first + work.batch)
            now = Parameters(parameters.centre, tuple(weights), tuple(biases))
            seen = visited(samples, work.seed, work.device, work.exchange, step // batches)
            trace = _forward(network, now, seen[taken])
            missed = int(np.count_nonzero(trace.output.argmax(axis=1) != labels[taken]))
            statistics += Statistics(visits=len(labels[taken]), missed=missed)
            all_deltas = deltas(network, now, feedback, trace, labels[taken])
            for number in work.layers:
                layer = network.layers[number]
                delta, clipped = saturate(all_deltas[number], network.delta_bound)
                G = _exact(trace.inputs[number]).T @ _exact(delta)
                g = _exact(delta.sum(axis=0) << layer.bias_shift)
                shift = work.update_shift(number, layer.update_shift)
                weights[number], high = _updated(weights[number], G, shift, layer.weight_bound)
                biases[number], low = _updated(biases[number], g, shift, layer.bias_bound)
                statistics += Statistics(clipped_deltas=clipped, clipped_parameters=high + low)
        return Parameters(parameters.centre, tuple(weights), tuple(biases)), statistics

    def classify(
        self, network: Network, parameters: Parameters, samples: NDArray[np.int8]
    ) -> NDArray[np.int32]:
        """The class (N,) of each sample (N, D): the largest output, the lowest class of equals."""
        _check(network, 1)
        classes = np.empty(len(samples), np.int32)
        for first in range(0, len(samples), _ROWS):
            rows = slice(first, first + _ROWS)
            classes[rows] = _forward(network, parameters, samples[rows]).output.argmax(axis=1)
        return classes


@lru_cache(maxsize=64)
def _check(network: Network, batch: int) -> None:
    """Refuse a network of which some sum might not be exact, or of other arithmetic."""
    for number, layer in enumerate(network.layers):
        gradient = batch * max(layer.input_limit, 1 << layer.bias_shift)
        if max(layer.sum_limit, gradient * network.delta_limit(number)) >= _EXACT:
            raise UsageError(f"layer {number}: its sums can pass 2**53; choose engine = 'oracle'")
        found = (layer.update_rounding, layer.activation)
        if found != (Rounding.FLOOR, Activation.POCKET_TANH):
            raise UsageError(
                f"layer {number}: {' and '.join(found)} is not the published arithmetic, which is "
                "all that the wide engine knows; choose engine = 'oracle'"
            )


def _forward(network: Network, parameters: Parameters, samples: NDArray[np.int8]) -> Trace:
    """Run samples (N, D) int8 through every layer."""
    a = (samples.astype(np.int64) - parameters.centre) >> network.input_shift
    inputs, inverse_slopes = [], []
    for layer, W, b in zip(network.layers, parameters.weights, parameters.biases, strict=True):
        products = (_exact(a) @ _exact(W)).astype(np.int64)
        z = products + (b.astype(np.int64) << layer.bias_shift)
        inputs.append(a)
        place = np.clip((z + layer.offset) // layer.divisor, -_END, _END) + _END
        inverse_slopes.append(_INVERSE_SLOPES[place])
        a = _VALUES[place]
    return Trace(tuple(inputs), tuple(inverse_slopes), a)


def _updated(tensor: Tensor, gradient: Floats, shift: int, bound: int) -> tuple[Tensor, int]:
    """Weights or biases after a floored step, and how many of them saturated."""
    # Dividing by a power of two is exact, and so is the floor of it.
    moved = tensor - np.floor(gradient * 2.0**-shift)
    clipped = int(np.count_nonzero(np.abs(moved) > bound))
    return cast("Tensor", np.clip(moved, -bound, bound).astype(tensor.dtype)), clipped


def _exact(integers: Integers | Tensor) -> Floats:
    """The same integers, as BLAS takes them."""
    return integers.astype(np.float64)
