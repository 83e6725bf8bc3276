"""A federation of nodes on one machine: each hosts an equal part of the devices."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tifed.errors import UsageError
from tifed.experiment import Experiment, to_toml
from tifed.experiment.own_data import NEEDS_DEVICES, ON_DEVICES
from tifed.nodes.serving.settings import Settings
from tifed.nodes.serving.sites import Sites


def site_name(number: int) -> str:
    """The name of the site of node ``number``, to which its key or certificate belongs."""
    return f"node-{number}"


def one_machine(
    experiment: Experiment,
    out: Path,
    nodes: int,
    settings: Settings | None,
    data_dir: Path | None,
    gateways: Sequence[str | None],
) -> Settings:
    """The settings of such a run.

    Args:
        experiment: what to run.
        out: folder of the run, absolute.
        nodes: how many.
        settings: time limits and attempts; the rest of them is replaced.
        data_dir: folder of data sets.
        gateways: addresses, one per node, if devices are boards; None for a node that simulates
            its devices.

    Raises:
        UsageError: if ``nodes`` is not in 1..devices, the samples are on devices and there are
            none, or there is another number of gateways.
    """
    if not 1 <= nodes <= experiment.devices:
        raise UsageError(f"nodes: {nodes} is not in 1..{experiment.devices}, the devices")
    if experiment.dataset == ON_DEVICES and not (gateways and all(gateways)):
        raise UsageError(NEEDS_DEVICES)
    if gateways and len(gateways) != nodes:
        raise UsageError(f"gateways: {len(gateways)} for {nodes} nodes; a node has one")
    text = to_toml(experiment)
    return replace(
        settings or Settings(text),
        experiment=text,
        out=str(out),
        data_dir=str(data_dir.absolute()) if data_dir else "",
        sites=Sites.in_parts([site_name(number) for number in range(nodes)], experiment.devices),
    )
