"""What one device does in one exchange, in float32."""

from dataclasses import dataclass, replace

import numpy as np

from tifed.baselines.float_network import FloatParameters, Floats, gradients, inputs_of
from tifed.federation import Job
from tifed.federation.device import Stream
from tifed.rule.learning import Statistics
from tifed.rule.learning.pixel_shifts import visited


@dataclass(frozen=True)
class FloatUpdate:
    """One device's work in one exchange.

    Attributes:
        job: what it was asked.
        parameters: what it ended with; layers that it did not train are the arrays it was sent.
        statistics: visits and misses.
    """

    job: Job
    parameters: FloatParameters
    statistics: Statistics


def local_steps(
    parameters: FloatParameters,
    feedback: tuple[Floats, ...] | None,
    stream: Stream,
    job: Job,
    batch: int,
    learning_rate: float,
    momentum: float,
    seed: int = 0,
    exchange: int = 0,
) -> FloatUpdate:
    """The mini-batch steps of ``job`` by stochastic gradient descent, as the integers take them.

    Args:
        parameters: as sent by the server.
        feedback: per hidden layer float32 (C, units) for DFA; None for backpropagation.
        stream: the device's samples.
        job: which layers, samples and steps.
        batch: samples per mini-batch; the buffer's last one may be smaller.
        learning_rate: what the mean gradient of a mini-batch is multiplied by.
        momentum: share of the last step that is added to the next, 0 for none.
        seed: of the experiment; where samples have copies, those that the integers take are taken.
        exchange: number of the exchange, which decides about copies as well.
    """
    samples, labels = stream.read_for_training(job.position, job.samples)
    visit = -1
    # What is trained is copied once, and then changed in place: new arrays each step cost more time
    # than the arithmetic.
    trained = _copied(parameters, job.layers)
    velocities: dict[int, tuple[Floats, Floats]] = {}
    rate = np.float32(learning_rate)
    statistics = Statistics()
    batches = -(-job.samples // batch)
    for step in range(job.first_step, job.first_step + job.steps):
        if step // batches != visit:
            visit = step // batches
            seen = visited(samples, seed, job.device, exchange, visit)
            inputs = inputs_of(parameters.centre, seen)
        first = step % batches * batch
        taken = slice(first, first + batch)
        found = gradients(trained, inputs[taken], labels[taken], job.layers, feedback)
        for layer in job.layers:
            steps = (found.weights[layer], found.biases[layer])
            if momentum:
                if layer in velocities:
                    for velocity, gradient in zip(velocities[layer], steps, strict=True):
                        velocity *= np.float32(momentum)
                        velocity += gradient
                else:
                    velocities[layer] = steps
                steps = (velocities[layer][0] * rate, velocities[layer][1] * rate)
            else:
                for gradient in steps:
                    gradient *= rate
            np.subtract(trained.weights[layer], steps[0], out=trained.weights[layer])
            np.subtract(trained.biases[layer], steps[1], out=trained.biases[layer])
        statistics += Statistics(visits=len(labels[taken]), missed=found.missed)
    return FloatUpdate(job, trained, statistics)


def _copied(parameters: FloatParameters, layers: tuple[int, ...]) -> FloatParameters:
    """The same parameters, with arrays of their own for ``layers``."""
    weights, biases = list(parameters.weights), list(parameters.biases)
    for layer in layers:
        weights[layer], biases[layer] = weights[layer].copy(), biases[layer].copy()
    return replace(parameters, weights=tuple(weights), biases=tuple(biases))
