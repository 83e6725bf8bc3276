"""A fleet behind gateways, with nodes in this process."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.nodes.direct import Residents

from tifed.experiment import Experiment, Setup, to_toml
from tifed.experiment.identity import identity
from tifed.federation import Fleet
from tifed.nodes.context import samples_digest
from tifed.nodes.messages.own_check import OwnSamples
from tifed.nodes.serving.fleet import NodeFleet
from tifed.nodes.serving.settings import Settings


@pytest.fixture
def behind() -> Callable[..., Callable[[Setup], Fleet]]:
    """From an experiment and its gateways' addresses to what makes the fleet."""

    def make(
        experiment: Experiment, *addresses: str, tls: Path | None = None
    ) -> Callable[[Setup], Fleet]:
        settings = Settings(to_toml(experiment), timeout=300.0, attempts=1, grace=0.0)
        more = {} if tls is None else {"gateway-tls": str(tls)}
        nodes = Residents(settings, [{"gateway": address, **more} for address in addresses])

        def fleet(setup: Setup) -> Fleet:
            return NodeFleet(
                nodes, setup.federation, identity(experiment), samples_digest(experiment, setup),
                settings, own=OwnSamples.of(setup.inputs) if setup.inputs.own_data else None,
            )  # fmt: skip

        return fleet

    return make
