"""The server's half in floating point: a mean over devices, weighted by their samples."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from tifed.baselines.float_device import FloatUpdate
from tifed.baselines.float_fedavg import FloatFedAvg
from tifed.baselines.float_network import FloatParameters, Floats
from tifed.federation import ScheduleState


@dataclass(frozen=True, eq=False)
class FloatTensor:
    """What the server keeps of a layer's weights, or of its biases.

    Attributes:
        own: float32, what devices get next.
        step: float32, how far `own` moved in the last exchange.
        mean: float32, the running mean of `own` over exchanges.
    """

    own: Floats
    step: Floats
    mean: Floats


TENSOR_PARTS = tuple(field.name for field in fields(FloatTensor))


@dataclass(frozen=True, eq=False)
class FloatLayer:
    """What the server keeps of one layer.

    Attributes:
        weight: of (in, out).
        bias: of (out,).
        updates: exchanges that changed this layer.
    """

    weight: FloatTensor
    bias: FloatTensor
    updates: int = 0


@dataclass(frozen=True, eq=False)
class FloatState(ScheduleState):
    """All that a run of the baseline needs to go on.

    Attributes:
        centre: float32 (D,), subtracted from each sample.
        layers: the server's own copies.
    """

    centre: Floats
    layers: tuple[FloatLayer, ...]


def initial_layers(parameters: FloatParameters) -> tuple[FloatLayer, ...]:
    """The layers before the first round."""
    pairs = zip(parameters.weights, parameters.biases, strict=True)
    return tuple(FloatLayer(_initial(W), _initial(b)) for W, b in pairs)


def aggregate(
    layers: Sequence[FloatLayer], outcomes: Sequence[FloatUpdate], settings: FloatFedAvg
) -> tuple[FloatLayer, ...]:
    """The layers after an exchange; one that nobody trained stays as it was.

    Args:
        layers: as the devices got them.
        outcomes: of the devices that answered.
        settings: of the learning rule; those of the server count.
    """
    after = []
    for number, kept in enumerate(layers):
        trained = [outcome for outcome in outcomes if number in outcome.job.layers]
        if not trained:
            after.append(kept)
            continue
        updates = kept.updates + 1
        samples = [outcome.job.samples for outcome in trained]
        weights = [outcome.parameters.weights[number] for outcome in trained]
        biases = [outcome.parameters.biases[number] for outcome in trained]
        after.append(
            FloatLayer(
                _moved(kept.weight, weights, samples, settings, updates),
                _moved(kept.bias, biases, samples, settings, updates),
                updates,
            )
        )
    return tuple(after)


def sent(state: FloatState) -> FloatParameters:
    """What devices get at the next exchange."""
    return FloatParameters(
        state.centre,
        tuple(layer.weight.own for layer in state.layers),
        tuple(layer.bias.own for layer in state.layers),
    )


def published(state: FloatState) -> FloatParameters:
    """What the federation's users get: the running mean."""
    return FloatParameters(
        state.centre,
        tuple(layer.weight.mean for layer in state.layers),
        tuple(layer.bias.mean for layer in state.layers),
    )


def _initial(tensor: Floats) -> FloatTensor:
    """A tensor before the first exchange."""
    return FloatTensor(tensor, np.zeros_like(tensor), tensor)


def _moved(
    kept: FloatTensor,
    parts: Sequence[Floats],
    samples: Sequence[int],
    settings: FloatFedAvg,
    updates: int,
) -> FloatTensor:
    """A tensor after its exchange number ``updates``, counted from 1."""
    # Added up in double precision, so that a thousand devices do not wear the sum down.
    total = np.zeros(kept.own.shape, np.float64)
    for part, count in zip(parts, samples, strict=True):
        total += part.astype(np.float64) * count
    further = settings.server_rate * (total / sum(samples) - kept.own)
    momentum = settings.server_momentum or 0.0
    step: Floats = (further + momentum * kept.step).astype(np.float32)
    own: Floats = kept.own + step
    window = np.float32(min(settings.running_mean, updates))
    mean: Floats = kept.mean + (own - kept.mean) / window
    return FloatTensor(own, step, mean)
