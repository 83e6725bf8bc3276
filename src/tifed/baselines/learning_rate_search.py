"""The search that the baseline's default learning rate is from.

On validation samples, which are taken from the training split::

    python -m tifed.baselines.learning_rate_search digits
    python -m tifed.baselines.learning_rate_search fashion-mnist
    python -m tifed.baselines.learning_rate_search fashion-mnist --calibration-samples 0
    python -m tifed.baselines.learning_rate_search fashion-mnist --algorithm dfa --single-layer
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from tifed.baselines.float_fedavg import FloatFedAvg
from tifed.baselines.float_network import Algorithm, predict
from tifed.datasets import load
from tifed.device import Stream
from tifed.errors import RunError
from tifed.federation import Federation
from tifed.federation.assignment import contiguous, full_network
from tifed.partition import iid
from tifed.recipes import Server, Tuned

RATES = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2)
SEEDS = (0, 1, 2)


@dataclass(frozen=True)
class Task:
    """What a rate is tried on: eight devices, buffers of 50, mini-batches of 10, 5 local epochs.

    Attributes:
        hidden: units of the hidden layer.
        validation: samples taken from the training split.
        passes: how often each device's stream is gone through.
    """

    hidden: int
    validation: int
    passes: int


TASKS = {"digits": Task(32, 287, 10), "fashion-mnist": Task(200, 6000, 1)}


def validation_accuracy(
    name: str, algorithm: FloatFedAvg, seed: int, single_layer: bool = False
) -> float:
    """Accuracy on the validation samples after the last round; 0 if the run diverged."""
    task = TASKS[name]
    data = load(name).with_validation(task.validation)
    orders = iid(data.train.labels, 8, seed).indices
    streams = tuple(Stream(data.train.features, data.train.labels, order) for order in orders)
    federation = Federation(
        network=Tuned().network((data.features, task.hidden, data.classes), 10),
        server=Server(),
        streams=tuple(map(len, streams)),
        assignment=contiguous(8, 2) if single_layer else full_network(2),
        extra_shifts=(0,) * (task.passes * min(map(len, streams)) // 50),
        seed=seed,
        buffer=50,
        batch=10,
        local_epochs=5,
    )
    try:
        *_, last = algorithm.run(federation, streams)
    except RunError:
        return 0.0
    return float(np.mean(predict(last.parameters, data.test.features) == data.test.labels))


def search(name: str, algorithm: FloatFedAvg, single_layer: bool) -> Iterator[str]:
    """A line for each rate; the other settings are those of ``algorithm``."""
    for rate in RATES:
        tried = replace(algorithm, learning_rate=rate)
        scores = [validation_accuracy(name, tried, seed, single_layer) for seed in SEEDS]
        yield f"{rate:<5} mean {np.mean(scores):.4f}  {' '.join(f'{s:.4f}' for s in scores)}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Try learning rates on validation samples.")
    parser.add_argument("name", choices=TASKS)
    parser.add_argument("--algorithm", choices=list(Algorithm), default=Algorithm.BACKPROPAGATION)
    parser.add_argument("--calibration-samples", type=int, default=50)
    parser.add_argument("--single-layer", action="store_true")
    given = parser.parse_args()
    settings = FloatFedAvg(
        algorithm=Algorithm(given.algorithm), calibration_samples=given.calibration_samples
    )
    for line in search(given.name, settings, given.single_layer):
        print(line, flush=True)
