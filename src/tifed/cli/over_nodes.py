"""What commands share that run an experiment over nodes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tifed.cli.options import experiment_from, folder_to_resume, new_folder
from tifed.cli.result import show_result
from tifed.errors import UsageError

if TYPE_CHECKING:
    from tifed.experiment import Experiment, Result

Nodes = Annotated[int, typer.Option(min=1, help="Number of nodes, which share the devices evenly.")]
Timeout = Annotated[
    float, typer.Option(min=1, help="Seconds that a node may take for one exchange.")
]
Grace = Annotated[
    float,
    typer.Option(min=0, help="Seconds to wait for a missing node before going on."),
]
Gateways = Annotated[
    list[str] | None,
    typer.Option(
        "--gateway",
        metavar="ADDRESS",
        help="Address of a running *tifed gateway*, whose boards a node uses instead of simulating "
        "devices. May be given several times, once for each node.",
    ),
]
GatewayTls = Annotated[
    Path | None,
    typer.Option(
        help="Private file of the nodes for gateways at tcp: addresses: *node-N.pem* of *tifed "
        "flower keys --gateway*."
    ),
]
SiteDevices = Annotated[
    list[str] | None,
    typer.Option(
        "--site",
        metavar="NAME=DEVICES",
        help="Which devices a node may host, such as node-0=0-2,7, by the name under which its key "
        "is known. May be given several times; without it, any node that is let in may host any "
        "device that no other one hosts.",
    ),
]


def chosen_run(
    path: Path | None,
    preset: str | None,
    settings: list[str] | None,
    out: Path | None,
    resume: Path | None,
    suffix: str,
) -> "tuple[Experiment, Path]":
    """The experiment and its folder, to go on with or new and named with ``suffix``."""
    from tifed.experiment import RunFolder, load_experiment
    from tifed.experiment.setup import require_devices

    if resume is not None:
        folder = folder_to_resume(resume, path, preset, settings, out)
        return load_experiment(RunFolder(folder).experiment), folder
    experiment = experiment_from(path, preset, settings)
    require_devices(experiment)
    folder = out or new_folder(experiment, suffix)
    if RunFolder(folder).experiment.exists():
        raise UsageError(
            f"{folder}: holds a run already; go on with it by --resume {folder}, "
            "or name another folder with --out"
        )
    return experiment, folder


def gateways_from(addresses: list[str], devices: int) -> list[str]:
    """Gateways' addresses for programs that run in other folders.

    Raises:
        UsageError: if one is not an address, two are the same, or there are more than ``devices``.
    """
    from tifed.link.address import check_distinct, check_socket_address

    for address in addresses:
        check_socket_address(address, "--gateway")
    check_distinct(addresses, "--gateway")
    if len(addresses) > devices:
        raise UsageError(
            f"--gateway: {len(addresses)} gateways for {devices} devices; each needs one"
        )
    pairs = [address.split(":", 1) for address in addresses]
    return [
        f"unix:{Path(place).absolute()}" if kind == "unix" else f"{kind}:{place}"
        for kind, place in pairs
    ]


def show(result: "Result", folder: Path, as_json: bool) -> None:
    """The result, and the report."""
    from tifed.experiment.report import write_report

    write_report(folder)
    show_result(result, folder, as_json)
