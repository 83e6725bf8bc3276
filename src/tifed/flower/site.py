"""What a node hosts: some of an experiment's devices, and the fleet that they are.

A node behind which real boards sit differs in its fleet alone.
"""

import hashlib
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import numpy as np

from tifed.errors import UsageError
from tifed.experiment import Experiment, Setup, build, to_toml
from tifed.experiment.load import validated
from tifed.federation import DeviceScore, FeatureSums, Fleet, Plan, Update
from tifed.flower.devices import hosted
from tifed.network import Network, Parameters


@dataclass(frozen=True)
class HostedFleet:
    """The hosted devices of an experiment, simulated here.

    Attributes:
        setup: the experiment's data and its fleet of all devices.
        devices: those that are hosted.
    """

    setup: Setup
    devices: range

    def calibrate(self, devices: Sequence[int], samples: int) -> Iterable[FeatureSums]:
        """Feature sums of each of ``devices``."""
        return self.setup.fleet.calibrate(devices, samples)

    def fit(self, plan: Plan, parameters: Parameters) -> Iterable[Update]:
        """The updates of those devices in ``plan`` that answer."""
        return self.setup.fleet.fit(plan, parameters)

    def evaluate(self, parameters: Parameters) -> Iterator[DeviceScore]:
        """Scores of the hosted devices alone."""
        setup, train = self.setup, self.setup.dataset.train
        for device in self.devices:
            own = setup.partition.indices[device]
            predicted = setup.engine.classify(setup.network, parameters, train.features[own])
            correct = int(np.count_nonzero(predicted == train.labels[own]))
            yield DeviceScore(device, correct, len(own))

    def close(self) -> None:
        """Close the fleet beneath."""
        self.setup.fleet.close()


@dataclass(frozen=True)
class Site:
    """All that a node needs to answer.

    Attributes:
        experiment: digest of the resolved experiment.
        data: digest of the data set.
        network: what every device holds.
        devices: the hosted ones.
        fleet: of the hosted devices; it is never asked for others.
    """

    experiment: str
    data: str
    network: Network
    devices: range
    fleet: Fleet


@cache
def site(experiment: str, partition: int, partitions: int, data_dir: Path | None = None) -> Site:
    """The site of node ``partition`` of ``partitions``; made once in a process.

    Args:
        experiment: as TOML, resolved.
        partition: number of the node, from 0.
        partitions: number of nodes.
        data_dir: the node's own folder of data sets.

    Raises:
        UsageError: if the experiment cannot be built here.
    """
    if not 0 <= partition < partitions:
        raise UsageError(f"partition-id: {partition} is not in 0..{partitions - 1}")
    resolved = parsed(experiment)
    setup = _built(experiment, data_dir)
    devices = hosted(partition, partitions, resolved.devices)
    fleet = HostedFleet(setup, devices)
    return Site(identity(resolved), setup.dataset.digest, setup.network, devices, fleet)


@lru_cache(maxsize=1)
def _built(experiment: str, data_dir: Path | None) -> Setup:
    """Shared by the nodes that one process plays in a simulation."""
    return build(parsed(experiment), data_dir)


def parsed(experiment: str) -> Experiment:
    """An experiment from its resolved TOML."""
    return validated(tomllib.loads(experiment), "experiment")


def identity(experiment: Experiment) -> str:
    """SHA-256 that names the resolved experiment."""
    return hashlib.sha256(to_toml(experiment).encode()).hexdigest()
