"""One command's federation over a broker: started, mended when something dies, and stopped."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from tifed.errors import UsageError
from tifed.experiment import Experiment, Progress, Result, RunFolder, to_toml
from tifed.experiment.own_data import NEEDS_DEVICES, ON_DEVICES
from tifed.nodes.mqtt.deployment import Deployment, site_name
from tifed.nodes.mqtt.pieces import PACKET
from tifed.nodes.mqtt.serve import serve
from tifed.nodes.serving.settings import Settings
from tifed.nodes.serving.sites import Sites


def up(
    experiment: Experiment,
    out: Path,
    *,
    nodes: int,
    settings: Settings | None = None,
    data_dir: Path | None = None,
    gateways: Sequence[str | None] = (),
    gateway_tls: Path | None = None,
    packet: int = PACKET,
    watch: Callable[[Progress], None] | None = None,
    log: Callable[[str], None] = print,
    started: Callable[[Deployment], None] | None = None,
) -> Result:
    """Run ``experiment`` on a local broker with nodes; a folder with a run in it goes on.

    Args:
        experiment: what to run.
        out: folder of the run.
        nodes: each of which hosts an equal part of the devices.
        settings: time limits and attempts; its experiment, folders and sites are replaced.
        data_dir: folder of data sets.
        gateways: addresses of running gateways, one per node, if devices are boards; None for a
            node that simulates its devices.
        gateway_tls: the nodes' private file for gateways at TCP addresses.
        packet: bytes of the longest packet.
        watch: told of every round.
        log: told of everything that is noticed.
        started: told when everything runs.

    Returns:
        The run's result.

    Raises:
        UsageError: if the client library or the broker is not installed, ``nodes`` is not in
            1..devices, or the samples are on devices and there are none.
        RunError: if the run cannot be carried out.
    """
    if not 1 <= nodes <= experiment.devices:
        raise UsageError(f"nodes: {nodes} is not in 1..{experiment.devices}, the devices")
    if experiment.dataset == ON_DEVICES and not (gateways and all(gateways)):
        raise UsageError(NEEDS_DEVICES)
    if gateways and len(gateways) != nodes:
        raise UsageError(f"gateways: {len(gateways)} for {nodes} nodes; a node has one")
    folder = RunFolder(out.absolute())
    if folder.result.is_file():
        return folder.read_result()
    text = to_toml(experiment)
    chosen = replace(
        settings or Settings(text),
        experiment=text,
        out=str(folder.path),
        data_dir=str(data_dir.absolute()) if data_dir else "",
        sites=Sites.in_parts([site_name(number) for number in range(nodes)], experiment.devices),
    )
    with Deployment(
        nodes,
        folder.path / "mqtt",
        data_dir=data_dir,
        gateways=gateways,
        gateway_tls=gateway_tls,
        ledgers=folder.path / "nodes" if experiment.compression.residual else None,
        packet=packet,
        log=log,
    ) as deployment:
        if started is not None:
            started(deployment)
        return serve(deployment.broker(), chosen, watch=watch, log=log)
