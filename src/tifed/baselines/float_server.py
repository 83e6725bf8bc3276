"""The server's half in floating point: a mean over devices, weighted by their samples."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tifed.baselines.float_device import Outcome
from tifed.baselines.float_network import FloatParameters, Floats


@dataclass(frozen=True, eq=False)
class FloatLayer:
    """What the server keeps of one layer.

    Attributes:
        weight: float32 (in, out), what devices get next.
        bias: float32 (out,).
        mean_weight: float32 (in, out), its running mean over exchanges.
        mean_bias: float32 (out,).
        updates: exchanges that changed this layer.
    """

    weight: Floats
    bias: Floats
    mean_weight: Floats
    mean_bias: Floats
    updates: int = 0


def initial_layers(parameters: FloatParameters) -> tuple[FloatLayer, ...]:
    """The layers before the first round."""
    pairs = zip(parameters.weights, parameters.biases, strict=True)
    return tuple(FloatLayer(W, b, W, b) for W, b in pairs)


def aggregate(
    layers: Sequence[FloatLayer], outcomes: Sequence[Outcome], rate: float, running_mean: int
) -> tuple[FloatLayer, ...]:
    """The layers after an exchange; one that nobody trained stays as it was.

    Args:
        layers: as the devices got them.
        outcomes: of the devices that answered.
        rate: how far the server moves towards the mean; 1 is plain averaging.
        running_mean: exchanges that the published mean is over.
    """
    after = []
    for number, kept in enumerate(layers):
        trained = [outcome for outcome in outcomes if number in outcome.job.layers]
        if not trained:
            after.append(kept)
            continue
        updates = kept.updates + 1
        window = min(running_mean, updates)
        weight, mean_weight = _step(
            kept.weight, kept.mean_weight, [o.parameters.weights[number] for o in trained],
            [o.job.samples for o in trained], rate, window,
        )  # fmt: skip
        bias, mean_bias = _step(
            kept.bias, kept.mean_bias, [o.parameters.biases[number] for o in trained],
            [o.job.samples for o in trained], rate, window,
        )  # fmt: skip
        after.append(FloatLayer(weight, bias, mean_weight, mean_bias, updates))
    return tuple(after)


def sent(centre: Floats, layers: Sequence[FloatLayer]) -> FloatParameters:
    """What devices get at the next exchange."""
    return FloatParameters(
        centre, tuple(layer.weight for layer in layers), tuple(layer.bias for layer in layers)
    )


def published(centre: Floats, layers: Sequence[FloatLayer]) -> FloatParameters:
    """What the federation's users get: the running mean."""
    return FloatParameters(
        centre,
        tuple(layer.mean_weight for layer in layers),
        tuple(layer.mean_bias for layer in layers),
    )


def _step(
    own: Floats,
    mean: Floats,
    parts: Sequence[Floats],
    samples: Sequence[int],
    rate: float,
    window: int,
) -> tuple[Floats, Floats]:
    """A tensor and its running mean after an exchange."""
    # Added up in double precision, so that a thousand devices do not wear the sum down.
    total = np.zeros(own.shape, np.float64)
    for part, count in zip(parts, samples, strict=True):
        total += part.astype(np.float64) * count
    after = (own + rate * (total / sum(samples) - own)).astype(np.float32)
    return after, (mean + (after - mean) / window).astype(np.float32)
