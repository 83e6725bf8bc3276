"""What a node builds that simulates devices with data of their own: whose samples they have."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from tifed.errors import UsageError
from tifed.experiment import Experiment, Setup, to_toml
from tifed.experiment.own_data import ON_DEVICES
from tifed.experiment.setup import site_of
from tifed.experiment.tables import LinkTable
from tifed.federation.device import Stream
from tifed.fleets import SimulatedFleet
from tifed.nodes.terms import NODE, NodeTerms

Built = Callable[[str], Setup]
"""From an experiment as TOML to its setup."""


def own_setup(experiment: Experiment, devices: range, terms: NodeTerms, built: Built) -> Setup:
    """The setup of a run of ``experiment`` in which ``devices`` have samples of this node.

    Args:
        experiment: of the server.
        devices: those that the node hosts.
        terms: of the node's owner.
        built: builds an experiment.

    Raises:
        UsageError: if the samples are to be on the devices, and this node has no data set either.
    """
    simulated: dict[str, object] = {
        "fleet": "simulated", "fleet_settings": {}, "link": LinkTable(),
    }  # fmt: skip
    if terms.dataset:
        simulated |= {"dataset": terms.dataset, "data": terms.own_options()}
    elif experiment.dataset == ON_DEVICES:
        raise UsageError(
            f"dataset: {ON_DEVICES!r}, but this node has neither boards nor data; add to its "
            "configuration gateway, the address of a tifed gateway, or dataset, its own data set"
        )
    if terms.dataset_of != NODE:
        return built(to_toml(experiment.model_copy(update=simulated)))
    if experiment.dataset != ON_DEVICES or not terms.dataset:
        raise UsageError(
            f"node configuration: dataset-of={NODE!r} goes with dataset, and with experiments that "
            f"have dataset = {ON_DEVICES!r}"
        )
    few = {"devices": len(devices), "devices_per_round": None, "minimum_devices": 1}
    any_layers = {"mode": "full-network", "assignment": None, "device_layers": None}
    part = experiment.model_copy(update=simulated | few | any_layers)
    return _among(experiment, built(to_toml(experiment)), devices, built(to_toml(part)))


def _among(experiment: Experiment, whole: Setup, devices: range, part: Setup) -> Setup:
    """``whole``, in which ``devices`` have the samples of those in ``part``, and others none."""

    def all_of(streams: Sequence[Stream]) -> tuple[Stream, ...]:
        none = replace(streams[0], order=streams[0].order[:0])
        own = dict(zip(devices, streams, strict=True))
        return tuple(own.get(device, none) for device in range(experiment.devices))

    inputs = replace(
        whole.inputs,
        streams=all_of(part.inputs.streams),
        sent=all_of(part.inputs.sent),
        held_out=all_of(part.inputs.held_out),
        stored=all_of(part.inputs.stored),
    )
    return replace(whole, inputs=inputs, fleet=site_of(experiment, inputs, SimulatedFleet(inputs)))
