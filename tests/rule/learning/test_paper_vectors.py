"""The `paper` recipe equals vectors from an independent implementation, value by value."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tifed.federation import Federation, begin, federate
from tifed.federation.assignment import contiguous, full_network
from tifed.federation.device import Stream
from tifed.fleets import FleetInputs, SimulatedFleet
from tifed.native.choice import engine
from tifed.rule.network import start_parameters
from tifed.rule.recipes import Paper

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "vectors/paper_reference.json").read_text()
)


@pytest.mark.parametrize(
    ("case", "weight_bits"),
    # One worker's weight leaves int16 in the third round of full_network: only wide weights
    # repeat what the published arithmetic, which never saturates, does there.
    [("full_network", 32), ("single_layer", 32), ("single_layer", 16)],
)
def test_the_federation_repeats_the_vectors(case: str, weight_bits: int) -> None:
    workers, rounds = VECTORS["workers"], VECTORS["rounds"]
    recipe = Paper(
        inverse_learning_rate=VECTORS["inverse_learning_rate"],
        target=VECTORS["target"],
        weight_bits=weight_bits,
    )
    network = recipe.network(tuple(VECTORS["layers"]), VECTORS["mini_batch"])
    assign = full_network(3) if case == "full_network" else contiguous(workers, 3)
    features = np.array(VECTORS["x"], np.int8).reshape(-1, network.features)
    labels = np.array(VECTORS["labels"], np.int32).reshape(-1)
    length = len(labels) // workers
    federation = Federation(
        network=network,
        server=recipe.server("full-network", network.depth),
        streams=(length,) * workers,
        assignment=assign,
        extra_shifts=(0,) * rounds,
        seed=0,
        buffer=VECTORS["buffer"],
        batch=VECTORS["mini_batch"],
        local_epochs=VECTORS["local_epochs"],
    )
    streams = tuple(
        Stream(features, labels, np.arange(worker * length, (worker + 1) * length))
        for worker in range(workers)
    )
    start = start_parameters(network, (0, 0, 0), 0)
    fleet = SimulatedFleet(
        FleetInputs(federation, streams, streams, start, None, engine("oracle")),
        feedback=tuple(np.array(B, np.int64) for B in VECTORS["feedback"]),
    )
    state, _ = begin(federation, fleet, start)
    clipped = 0
    for (after, record), expected in zip(
        federate(federation, fleet, state), VECTORS[case], strict=True
    ):
        for layer, arrays in enumerate(expected):
            np.testing.assert_array_equal(after.parameters.weights[layer], arrays["W"])
            np.testing.assert_array_equal(after.parameters.biases[layer], np.ravel(arrays["b"]))
        clipped += record.statistics.clipped_parameters + record.statistics.clipped_deltas
    assert clipped == 0
