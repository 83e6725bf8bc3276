from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from tifed.federation import Federation, ServerState, begin, federate
from tifed.federation.assignment import full_network
from tifed.federation.device import Stream
from tifed.fleets import FleetInputs, SimulatedFleet
from tifed.native.choice import engine
from tifed.rule.network import Network, Parameters, start_parameters
from tifed.rule.recipes import Recipe, Tuned


@dataclass(frozen=True)
class Small:
    """A small federation on random data."""

    federation: Federation
    fleet: SimulatedFleet
    start: Parameters

    @property
    def network(self) -> Network:
        return self.federation.network

    def state(self) -> ServerState:
        return begin(self.federation, self.fleet, self.start)[0]

    def last(self) -> ServerState:
        state = self.state()
        for after, _ in federate(self.federation, self.fleet, state):
            state = after
        return state


@pytest.fixture
def small() -> Callable[..., Small]:
    def make(
        recipe: Recipe | None = None,
        lengths: tuple[int, ...] = (12, 12, 12),
        rounds: int = 3,
        shape: tuple[int, ...] = (5, 4, 3),
        **changes: Any,
    ) -> Small:
        recipe = recipe or Tuned(rescale_shifts=(9, 9), update_shifts=(6, 5))
        generator = np.random.default_rng(5)
        count = sum(lengths)
        features = generator.integers(-128, 128, (count, shape[0])).astype(np.int8)
        labels = generator.integers(0, shape[-1], count).astype(np.int32)
        edges = np.cumsum((0, *lengths))
        orders = [np.arange(a, b) for a, b in pairwise(edges)]
        fields: dict[str, Any] = {
            "server": recipe.server("full-network", len(shape) - 1),
            "streams": lengths,
            "assignment": full_network(len(shape) - 1),
            "extra_shifts": (0,) * rounds,
            "seed": 1,
            "buffer": 6,
            "batch": 4,
            "local_epochs": 2,
            "calibration_samples": recipe.calibration_samples,
        } | changes
        network = recipe.network(shape, fields["batch"])
        federation = Federation(network=network, **fields)
        streams = tuple(Stream(features, labels, order) for order in orders)
        start = start_parameters(network, recipe.start(network), 1)
        inputs = FleetInputs(federation, streams, streams, start, None, engine("oracle"))
        return Small(federation, SimulatedFleet(inputs), start)

    return make
