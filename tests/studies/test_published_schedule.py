"""The published schedule: equal to vectors of an independent emulation, and not federated."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tifed.federation import AverageEvery, Federation, RoundRecord, ServerState, begin, federate
from tifed.federation.assignment import contiguous, full_network
from tifed.federation.device import Stream
from tifed.fleets import FleetInputs, SimulatedFleet
from tifed.fleets.published_schedule import PublishedFleet
from tifed.rule.learning import LocalWork
from tifed.rule.learning.engine import Engine, Oracle
from tifed.rule.network import start_parameters
from tifed.rule.recipes import Paper
from tifed.studies.wide import Wide

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "vectors/paper_reference.json").read_text()
)


def rounds(
    engine: Engine, *, published: bool, single_layer: bool = False, **changes: Any
) -> list[tuple[ServerState, RoundRecord]]:
    workers = VECTORS["workers"]
    recipe = Paper(
        inverse_learning_rate=VECTORS["inverse_learning_rate"],
        target=VECTORS["target"],
        weight_bits=32,
    )
    network = recipe.network(tuple(VECTORS["layers"]), VECTORS["mini_batch"])
    features = np.array(VECTORS["x"], np.int8).reshape(-1, network.features)
    labels = np.array(VECTORS["labels"], np.int32).reshape(-1)
    length = len(labels) // workers
    federation = Federation(
        network=network,
        server=recipe.server("single-layer" if single_layer else "full-network", 3),
        streams=(length,) * workers,
        assignment=contiguous(workers, 3) if single_layer else full_network(3),
        extra_shifts=(0,) * VECTORS["rounds"],
        seed=0,
        buffer=VECTORS["buffer"],
        batch=VECTORS["mini_batch"],
        local_epochs=VECTORS["local_epochs"],
        **changes,
    )
    streams = tuple(
        Stream(features, labels, np.arange(worker * length, (worker + 1) * length))
        for worker in range(workers)
    )
    start = start_parameters(network, (0, 0, 0), 0)
    devices = SimulatedFleet(
        FleetInputs(federation, streams, streams, start, None, engine),
        feedback=tuple(np.array(B, np.int64) for B in VECTORS["feedback"]),
    )
    fleet = PublishedFleet(devices) if published else devices
    state, _ = begin(federation, fleet, start)
    return list(federate(federation, fleet, state))


@pytest.mark.parametrize("engine", [Oracle(), Wide()])
def test_it_equals_the_sequential_vectors(engine: Engine) -> None:
    expected = VECTORS["full_network_sequential"]
    for (state, record), layers in zip(rounds(engine, published=True), expected, strict=True):
        for number, arrays in enumerate(layers):
            np.testing.assert_array_equal(state.parameters.weights[number], arrays["W"])
            np.testing.assert_array_equal(state.parameters.biases[number], np.ravel(arrays["b"]))
        # Two epochs of six samples by each of three workers.
        assert record.statistics.visits == 36
        assert record.answered.tolist() == [0, 1, 2]


@pytest.mark.parametrize("single_layer", [False, True])
def test_it_is_federated_averaging_until_the_first_average_only(single_layer: bool) -> None:
    accident = rounds(Oracle(), published=True, single_layer=single_layer)
    averaged = rounds(Oracle(), published=False, single_layer=single_layer)
    digests = [[state.parameters.digest for state, _ in one] for one in (accident, averaged)]
    assert digests[0][0] == digests[1][0]
    assert digests[0][1] != digests[1][1]


def test_the_first_average_ends_the_separate_arrays_wherever_it_comes() -> None:
    """With an average after every epoch the second epoch of round one shares already."""
    accident = rounds(Oracle(), published=True, average_every=AverageEvery.EPOCH)
    averaged = rounds(Oracle(), published=False, average_every=AverageEvery.EPOCH)
    assert accident[0][0].parameters.digest != averaged[0][0].parameters.digest


def test_a_single_layer_worker_changes_its_own_layer_only() -> None:
    """By hand: worker w's snapshot of layer w is what all mini-batches of worker w made of it."""
    (before, _), (after, _) = rounds(Oracle(), published=True, single_layer=True)[:2]
    recipe = Paper(
        inverse_learning_rate=VECTORS["inverse_learning_rate"],
        target=VECTORS["target"],
        weight_bits=32,
    )
    network = recipe.network(tuple(VECTORS["layers"]), VECTORS["mini_batch"])
    feedback = tuple(np.array(B, np.int64) for B in VECTORS["feedback"])
    features, labels = np.array(VECTORS["x"], np.int8), np.array(VECTORS["labels"], np.int32)
    shared = before.parameters
    buffer, batch = VECTORS["buffer"], VECTORS["mini_batch"]
    for _ in range(VECTORS["local_epochs"]):
        for first in range(buffer, 2 * buffer, batch):
            for worker in range(VECTORS["workers"]):
                taken = slice(first, first + batch)
                shared, _ = Oracle.train(
                    network, shared, feedback, features[worker, taken], labels[worker, taken],
                    LocalWork(batch=batch, first_step=0, steps=1, layers=(worker,)),
                )  # fmt: skip
    assert after.parameters.digest == shared.digest
