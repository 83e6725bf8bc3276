"""What one device does in one exchange, in float32."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from tifed.baselines.float_network import FloatParameters, Floats, gradients, inputs_of
from tifed.device import Stream
from tifed.federation import Job
from tifed.learning import Statistics


@dataclass(frozen=True)
class Outcome:
    """One device's work in one exchange.

    Attributes:
        job: what it was asked.
        parameters: what it ended with; layers that it did not train are the arrays it was sent.
        loss: sum of cross-entropies over visits, each before its update, nats.
        statistics: visits and misses.
    """

    job: Job
    parameters: FloatParameters
    loss: float
    statistics: Statistics


def local_steps(
    parameters: FloatParameters,
    feedback: tuple[Floats, ...] | None,
    stream: Stream,
    job: Job,
    batch: int,
    learning_rate: float,
    momentum: float,
) -> Outcome:
    """The mini-batch steps of ``job`` by stochastic gradient descent, as the integers take them.

    Args:
        parameters: as sent by the server.
        feedback: per hidden layer float32 (C, units) for DFA; None for backpropagation.
        stream: the device's samples.
        job: which layers, samples and steps.
        batch: samples per mini-batch; the buffer's last one may be smaller.
        learning_rate: what the mean gradient of a mini-batch is multiplied by.
        momentum: share of the last step that is added to the next, 0 for none.
    """
    samples, labels = stream.read(job.position, job.samples)
    inputs = inputs_of(parameters.centre, samples)
    velocities: Mapping[int, tuple[Floats, Floats]] = {}
    loss, statistics = 0.0, Statistics()
    batches = -(-job.samples // batch)
    for step in range(job.first_step, job.first_step + job.steps):
        first = step % batches * batch
        taken = slice(first, first + batch)
        found = gradients(parameters, inputs[taken], labels[taken], job.layers, feedback)
        velocities = {
            layer: (
                _velocity(found.weights[layer], velocities.get(layer, (None, None))[0], momentum),
                _velocity(found.biases[layer], velocities.get(layer, (None, None))[1], momentum),
            )
            for layer in job.layers
        }
        parameters = _moved(parameters, velocities, np.float32(learning_rate))
        loss += found.loss
        statistics += Statistics(visits=len(labels[taken]), missed=found.missed)
    return Outcome(job, parameters, loss, statistics)


def _velocity(gradient: Floats, before: Floats | None, momentum: float) -> Floats:
    """The gradient, and a share of the step before if there was one."""
    if before is None or momentum == 0:
        return gradient
    return gradient + np.float32(momentum) * before


def _moved(
    parameters: FloatParameters, velocities: Mapping[int, tuple[Floats, Floats]], rate: np.float32
) -> FloatParameters:
    """Parameters after one step of the layers that have a velocity."""
    weights, biases = list(parameters.weights), list(parameters.biases)
    for layer, (weight, bias) in velocities.items():
        weights[layer] = weights[layer] - rate * weight
        biases[layer] = biases[layer] - rate * bias
    return replace(parameters, weights=tuple(weights), biases=tuple(biases))
