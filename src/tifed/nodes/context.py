"""What a node hosts: some of an experiment's devices, and the fleet that they are.

A node behind which real boards sit differs in its fleet alone (`tifed.nodes.gateway.board_pool`).
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path

from tifed.errors import UsageError
from tifed.experiment import Experiment, Setup
from tifed.experiment.identity import identity
from tifed.experiment.load import validated
from tifed.experiment.own_data import ON_DEVICES
from tifed.experiment.setup import partition_digest
from tifed.federation import DeviceScore, FeatureSums, Fleet, Plan, Update
from tifed.files.toml_file import parse_toml
from tifed.nodes.acceptance import ANY
from tifed.nodes.kept_residuals import KeptResiduals
from tifed.nodes.last_answer import LastAnswer
from tifed.nodes.ledger import charged
from tifed.nodes.messages.device_ranges import hosted
from tifed.nodes.orders import Orders
from tifed.nodes.own_files import built_here, require_own_files
from tifed.nodes.own_fleet import OwnHostedFleet
from tifed.nodes.own_setup import own_setup
from tifed.nodes.site_memory import SiteMemory
from tifed.nodes.terms import NodeTerms
from tifed.rule.network import Network, Parameters


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
        """Scores of the hosted devices alone; none where they would tell what noise hides."""
        if self.setup.federation.noise is not None:
            return iter(())
        return self.setup.inputs.scores(parameters, self.devices)

    def close(self) -> None:
        """Close the fleet beneath."""
        self.setup.fleet.close()


@dataclass(frozen=True)
class NodeContext:
    """All that a node needs to answer.

    Attributes:
        experiment: its `tifed.experiment.identity.identity`, the data apart.
        data: `samples_digest` of the experiment.
        network: what every device holds.
        devices: the hosted ones.
        fleet: of the hosted devices; it is never asked for others.
        orders: what may be asked for.
        left_out: which devices could not do what a message of some kind asked for last, and why.
        masked: whether sums leave the node under masks alone.
        memory: with masks, what is kept from one message to the next.
        last: with noise and without masks, the last sum that has left.
        residuals: what simulated devices have left of their changes, where they keep it.
        checkpoint_every: rounds between two states from which a server may go on.
    """

    experiment: str
    data: str
    network: Network
    devices: range
    fleet: Fleet
    orders: Orders
    left_out: Callable[[str], Mapping[int, str]] = lambda kind: {}
    masked: bool = False
    memory: SiteMemory = field(default_factory=SiteMemory)
    last: LastAnswer = field(default_factory=LastAnswer)
    residuals: KeptResiduals = field(default_factory=KeptResiduals)
    checkpoint_every: int = 1

    @property
    def noisy(self) -> bool:
        """Whether sums leave the node with noise."""
        return self.orders.federation.noise is not None

    def back_to(self, plan: Plan) -> int:
        """The exchange with which a server goes on that is killed in the one of ``plan``."""
        per_round = self.orders.federation.exchanges_per_round
        return plan.round // self.checkpoint_every * self.checkpoint_every * per_round


@dataclass(frozen=True)
class DeviceSelection:
    """Which devices a node hosts: an equal part of all, or from one on as many as it has boards.

    Attributes:
        partition: number of the node, from 0, and number of nodes.
        first: the first device of a node with boards.
    """

    partition: tuple[int, int] | None = None
    first: int | None = None

    def devices(self, of: int, boards: int | None = None) -> range:
        """The devices, of ``of`` in all.

        Args:
            of: devices of the experiment.
            boards: how many the node has, one per device; None if it simulates devices.

        Raises:
            UsageError: if there is no such part, or it needs more boards.
        """
        if self.first is not None:
            if boards is None:
                raise UsageError("first-device: goes with a gateway; name partition-id instead")
            if not 0 <= self.first < of:
                raise UsageError(f"first-device: {self.first} is not in 0..{of - 1}")
            return range(self.first, min(of, self.first + boards))
        if self.partition is None:
            raise UsageError("partition-id and num-partitions, or first-device, are missing")
        number, nodes = self.partition
        if not 0 <= number < nodes:
            raise UsageError(f"partition-id: {number} is not in 0..{nodes - 1}")
        devices = hosted(number, nodes, of)
        if boards is not None and len(devices) > boards:
            raise UsageError(
                f"partition-id: node {number} of {nodes} hosts {len(devices)} devices and has "
                f"{boards} boards; name first-device instead, or more boards"
            )
        return devices


def simulated_context(
    experiment: str,
    selection: DeviceSelection,
    data_dir: Path | None = None,
    terms: NodeTerms | None = None,
) -> NodeContext:
    """The context of a node that simulates the devices of ``selection``.

    It is made once in a process, as long as that works on no more than two experiments.

    Args:
        experiment: as TOML, resolved.
        selection: which devices.
        data_dir: the node's own folder of data sets.
        terms: what the node's owner lets be done with its own data.

    Raises:
        UsageError: if the experiment cannot be built here, the owner has not accepted it, or it
            names files that the owner has not.
    """
    made, key = _contexts(experiment), (selection, data_dir, terms or NodeTerms())
    if key not in made:
        made[key] = _simulated(experiment, *key)
    return made[key]


@lru_cache(maxsize=2)
def _contexts(experiment: str) -> dict[tuple[DeviceSelection, Path | None, NodeTerms], NodeContext]:
    """Of the nodes that this process plays in an experiment, as resolved TOML."""
    del experiment
    return {}


def _simulated(
    experiment: str, selection: DeviceSelection, data_dir: Path | None, terms: NodeTerms
) -> NodeContext:
    """See `simulated_context`."""
    resolved = parsed(experiment)
    masked = resolved.privacy.secure_aggregation
    devices = selection.devices(resolved.devices)
    terms.require(resolved)
    if terms.accepts != ANY and not resolved.own_data:
        require_own_files(resolved, data_dir)
    if not resolved.own_data:
        setup = _built(experiment, data_dir)
        data = samples_digest(resolved, setup)
        hosted_here = HostedFleet(setup, devices)
        fleet = charged(
            hosted_here, terms.ledger, identity(resolved), setup.federation, devices.start
        )
        orders = Orders(setup.federation, terms.least)
        return NodeContext(
            identity(resolved), data, setup.network, devices, fleet, orders, masked=masked,
            checkpoint_every=resolved.checkpoint_every,
        )  # fmt: skip
    setup = own_setup(resolved, devices, terms, partial(_built, data_dir=data_dir))
    own = OwnHostedFleet(setup, devices, terms.least)
    fleet = charged(own, terms.ledger, identity(resolved), setup.federation, devices.start)
    return NodeContext(
        identity(resolved), samples_digest(resolved, setup), setup.network, devices, fleet,
        Orders(setup.federation, terms.least), own.too_few, masked,
        checkpoint_every=resolved.checkpoint_every,
    )  # fmt: skip


def samples_digest(experiment: Experiment, setup: Setup) -> str:
    """SHA-256 (hex) of the samples, and of who owns them where TIFeD does not deal them.

    Server and node compare it. Of samples on devices nobody knows one.
    """
    if experiment.dataset == ON_DEVICES:
        return ON_DEVICES
    dealt = partition_digest(experiment, setup)
    if dealt is None:
        return setup.data_digest
    both = f"{setup.data_digest} {dealt}"
    return hashlib.sha256(both.encode()).hexdigest()


@lru_cache(maxsize=2)
def _built(experiment: str, data_dir: Path | None) -> Setup:
    """Shared by the nodes that one process plays in a simulation."""
    return built_here(parsed(experiment), data_dir)


@lru_cache(maxsize=4)
def parsed(experiment: str) -> Experiment:
    """An experiment from its resolved TOML; a process that plays many nodes reads it once.

    Raises:
        UsageError: if it is none.
    """
    return validated(parse_toml(experiment, "experiment"), "experiment")


@lru_cache(maxsize=4)
def named(experiment: str) -> str:
    """`identity` of an experiment as resolved TOML; its data are compared by their digest."""
    return identity(parsed(experiment))
