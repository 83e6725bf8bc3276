"""One command's federation over a broker: started, mended when something dies, and stopped."""

from collections.abc import Callable, Sequence
from pathlib import Path

from tifed.experiment import Experiment, Progress, Result, RunFolder
from tifed.nodes.mqtt.deployment import Deployment
from tifed.nodes.mqtt.pieces import PACKET
from tifed.nodes.mqtt.serve import serve
from tifed.nodes.serving.one_machine import one_machine
from tifed.nodes.serving.settings import Settings


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
    folder = RunFolder(out.absolute())
    chosen = one_machine(experiment, folder.path, nodes, settings, data_dir, gateways)
    if folder.result.is_file():
        return folder.read_result()
    with Deployment(
        nodes,
        folder.path / "mqtt",
        data_dir=data_dir,
        gateways=gateways,
        gateway_tls=gateway_tls,
        # A node that is started again has what its devices have left.
        ledgers=folder.path / "nodes" if experiment.compression.residual else None,
        packet=packet,
        log=log,
    ) as deployment:
        if started is not None:
            started(deployment)
        return serve(deployment.broker(), chosen, watch=watch, log=log)
