"""From an experiment to the things that run it: data, streams, network, federation, fleet."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tifed.datasets import Dataset, load
from tifed.device import Stream
from tifed.errors import UsageError
from tifed.experiment.schema import Experiment
from tifed.federation import Federation, Fleet
from tifed.federation import assignment as assignments
from tifed.federation.assignment import Assignment
from tifed.fleets import FaultyFleet, SimulatedFleet
from tifed.fleets.faulty import SCALE
from tifed.learning import feedback_matrices
from tifed.learning.engine import Engine, engine
from tifed.network import Network, Parameters, start_parameters
from tifed.partition import Partition, by_group, dirichlet, iid, quantity_skew, shards

DEFAULT_HIDDEN = 32
"""Hidden units where an experiment does not name its layers."""


@dataclass(frozen=True)
class Setup:
    """An experiment, ready to run.

    Attributes:
        dataset: training samples for the devices, held-out ones for the server.
        partition: which device owns which training samples.
        network: what every device holds.
        federation: the run's constants.
        fleet: who does the local work.
        engine: who computes the learning rule, here for the server's own evaluation.
        start: the parameters before the first round.
    """

    dataset: Dataset
    partition: Partition
    network: Network
    federation: Federation
    fleet: Fleet
    engine: Engine
    start: Parameters


def build(experiment: Experiment, data_dir: Path | None = None) -> Setup:
    """Load the data and make everything that a run needs.

    Args:
        experiment: what to run.
        data_dir: the user's folder of data sets.

    Raises:
        UsageError: naming the field that does not fit the data or another field.
    """
    dataset = load_data(experiment, data_dir)
    partition = partition_of(experiment, dataset)
    recipe = experiment.build_recipe()
    network = network_of(experiment, dataset.features, dataset.classes)
    federation = Federation(
        network=network,
        server=recipe.server(experiment.mode, network.depth),
        streams=tuple(partition.sizes.tolist()),
        assignment=assignment_of(experiment, network),
        extra_shifts=tuple(
            recipe.extra_shift(number, experiment.rounds) for number in range(experiment.rounds)
        ),
        seed=experiment.seed,
        buffer=experiment.buffer,
        batch=experiment.batch,
        local_epochs=experiment.local_epochs,
        average_every=experiment.average_every,
        devices_per_round=experiment.devices_per_round,
        minimum_devices=experiment.minimum_devices,
        at_end=experiment.at_end,
        calibration_samples=recipe.calibration_samples,
    )
    train = dataset.train
    streams = tuple(Stream(train.features, train.labels, own) for own in partition.indices)
    fleet: Fleet
    if experiment.fleet == "simulated":
        fleet = SimulatedFleet(
            engine=engine(experiment.engine),
            network=network,
            feedback=feedback_matrices(network, experiment.seed),
            streams=streams,
            batch=experiment.batch,
            seed=experiment.seed,
        )
    else:
        fleet = device_fleet(experiment, federation, streams)
    if experiment.faults.probability:
        millionths = round(experiment.faults.probability * SCALE)
        fleet = FaultyFleet(fleet, experiment.seed, millionths)
    start = start_parameters(network, recipe.start(network), experiment.seed)
    return Setup(dataset, partition, network, federation, fleet, engine(experiment.engine), start)


def device_fleet(
    experiment: Experiment, federation: Federation, streams: tuple[Stream, ...]
) -> Fleet:
    """Devices on lines, or emulated ones; nothing is opened or started before it is needed."""
    from tifed.fleets.emulated import EmulatedFleet, Emulation
    from tifed.fleets.linked import LinkedFleet, LinkSettings
    from tifed.link import Client, Patience, address_opener

    link = experiment.link
    patience = Patience(link.answer, link.silence)
    settings = LinkSettings(link.on_reboot, link.repeats)
    scorer = engine(experiment.engine)
    network, buffer, batch = federation.network, experiment.buffer, experiment.batch
    if experiment.fleet == "emulated":
        trained = {
            federation.assignment(device, number)
            for device in range(federation.devices)
            for number in range(federation.rounds)
        }
        emulation = Emulation(experiment.board, experiment.emulator, experiment.compiler)
        return EmulatedFleet(
            emulation, network, streams, tuple(sorted(trained)), buffer, batch, experiment.seed,
            scorer, patience, settings,
        )  # fmt: skip
    clients = [
        Client(address, address_opener(address, link.baud), patience) for address in link.devices
    ]
    return LinkedFleet(clients, network, streams, buffer, batch, experiment.seed, scorer, settings)


def load_data(experiment: Experiment, data_dir: Path | None = None) -> Dataset:
    """The experiment's data; with ``held_out = "validation"`` the test split is put away."""
    options: Mapping[str, Any] = experiment.data
    dataset = load(experiment.dataset, data_dir=data_dir, **options)
    if experiment.held_out == "validation":
        dataset = dataset.with_validation(max(1, len(dataset.train) // 6))
    return dataset


def partition_of(experiment: Experiment, dataset: Dataset) -> Partition:
    """Who owns which training samples."""
    table, devices, seed = experiment.partition, experiment.devices, experiment.seed
    labels = dataset.train.labels
    if table.kind == "iid":
        return iid(labels, devices, seed, limit_per_device=table.limit_per_device)
    if table.kind == "dirichlet":
        return dirichlet(labels, devices, table.alpha, seed, table.minimum)
    if table.kind == "quantity":
        return quantity_skew(labels, devices, table.alpha, seed, table.minimum)
    if table.kind == "shards":
        return shards(labels, devices, table.classes_per_device, seed)
    if dataset.train.groups is None:
        raise UsageError(
            f"partition.kind: {experiment.dataset!r} has no groups; "
            "name its group column (data.group_column) or use another kind"
        )
    return by_group(dataset.train.groups, devices, seed)


def network_of(experiment: Experiment, features: int, classes: int) -> Network:
    """The network, once its shape is known to fit data with ``features`` and ``classes``."""
    shape = experiment.layers or (features, DEFAULT_HIDDEN, classes)
    if (shape[0], shape[-1]) != (features, classes):
        raise UsageError(
            f"layers: {'-'.join(map(str, shape))} does not fit {experiment.dataset!r}, which has "
            f"{features} features and {classes} classes"
        )
    return experiment.build_recipe().network(shape, experiment.batch)


def network_for(experiment: Experiment, data_dir: Path | None = None) -> Network:
    """The network alone; the data are only looked at if the experiment names no layers."""
    if experiment.layers is not None:
        return network_of(experiment, experiment.layers[0], experiment.layers[-1])
    dataset = load_data(experiment, data_dir)
    return network_of(experiment, dataset.features, dataset.classes)


def assignment_of(experiment: Experiment, network: Network) -> Assignment:
    """Which device trains which layers in which round."""
    devices, depth = experiment.devices, network.depth
    recipe = experiment.build_recipe()
    if experiment.mode == "single-layer":
        choose = {
            "contiguous": assignments.contiguous,
            "alternating": assignments.alternating,
            "rotating": assignments.rotating,
            "rotating-quarter": assignments.rotating_quarter,
        }[experiment.assignment or recipe.assignment]
        return choose(devices, depth)
    if experiment.device_layers is not None:
        return assignments.per_device(experiment.device_layers, devices, depth)
    if experiment.mode == "memory-aware":
        return assignments.memory_aware(
            network, experiment.memory.budgets, devices, experiment.buffer, experiment.batch,
            frozen_in_flash=experiment.memory.frozen_in == "flash",
        )  # fmt: skip
    return assignments.full_network(depth)
