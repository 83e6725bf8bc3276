"""``tifed flower``: the same run with Flower as transport, security and scheduler."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from tifed.cli.flower_nodes import executor, supernode
from tifed.cli.interrupted import needed_again, stopped_by_hand
from tifed.cli.options import (
    DataDir,
    ExperimentFile,
    Json,
    Overrides,
    Preset,
    Resume,
    RunOut,
    TensorBoard,
    event_files,
    experiment_from,
)
from tifed.cli.over_nodes import (
    Gateways,
    GatewayTls,
    Grace,
    Nodes,
    SiteDevices,
    Timeout,
    chosen_run,
    gateways_from,
    show,
)
from tifed.errors import UsageError

if TYPE_CHECKING:
    from tifed.experiment import Progress
    from tifed.nodes.flower.up import Row

app = typer.Typer(
    name="flower",
    help="Run experiments over Flower: in its simulation engine, or on a SuperLink and SuperNodes. "
    "Needs *pip install 'tifed[flower]'*. The digest is the same as with *tifed run*.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)


@app.command()
def simulate(
    experiment: ExperimentFile = None,
    preset: Preset = None,
    settings: Overrides = None,
    nodes: Nodes = 2,
    out: RunOut = None,
    resume: Resume = None,
    cpus_per_node: Annotated[
        float, typer.Option(help="Cores that Ray reserves for each node that works.")
    ] = 1.0,
    tensorboard: TensorBoard = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Run an experiment in Flower's simulation engine (Ray) on this machine."""
    from tifed.cli.progress import RunProgress
    from tifed.nodes.flower import require_flower

    require_flower(simulation=True)
    from tifed.nodes.flower.simulate import simulate as run_simulation

    chosen, folder = chosen_run(experiment, preset, settings, out, resume, "-flower")
    messages = Console(stderr=True, highlight=False, soft_wrap=True)
    again = [f"--nodes={nodes}", *needed_again(data_dir, tensorboard)]
    with (
        stopped_by_hand(messages, folder, ["tifed", "flower", "simulate"], again),
        RunProgress(messages) as progress,
        event_files(folder, tensorboard) as events,
    ):

        def watch(round_done: "Progress") -> None:
            progress.update(round_done)
            if events is not None:
                events.watch(round_done)

        result = run_simulation(
            chosen, nodes=min(nodes, chosen.devices), out=folder, data_dir=data_dir,
            cpus_per_node=cpus_per_node, watch=watch,
            log=lambda message: messages.print(message, markup=False),
        )  # fmt: skip
    show(result, folder, as_json)


@app.command()
def up(
    experiment: ExperimentFile = None,
    preset: Preset = None,
    settings: Overrides = None,
    nodes: Nodes = 3,
    out: RunOut = None,
    resume: Resume = None,
    gateway: Gateways = None,
    gateway_tls: GatewayTls = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Use neither TLS nor node authentication.")
    ] = False,
    timeout: Timeout = 600.0,
    grace: Grace = 120.0,
    tensorboard: TensorBoard = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Start a SuperLink and SuperNodes on this machine, run an experiment on them, and stop them.

    TLS and node authentication are on; certificates and keys are made for this run and removed
    with it. A program that dies is started again, and the run continues from its last round.
    """
    from tifed.nodes.flower import require_flower

    require_flower()
    from tifed.cli.service import ending_in_order
    from tifed.nodes.flower.up import up as run_up
    from tifed.nodes.serving.settings import Settings

    chosen, folder = chosen_run(experiment, preset, settings, out, resume, "-flower")
    gateways = gateways_from(gateway or [], chosen.devices)
    messages = Console(stderr=True, highlight=False, soft_wrap=True)

    def watch(row: "Row") -> None:
        if events is not None:
            events.watch_row(row)
        accuracy = row["accuracy"] or "-"
        messages.print(
            f"round {row['round']}/{chosen.rounds}  accuracy {accuracy[:6]}  "
            f"answered {row['answered']}/{row['asked']}"
        )

    again = [f"--gateway={address}" for address in gateways] or [f"--nodes={nodes}"]
    again += ["--insecure"] if insecure else []
    again += [f"--gateway-tls={gateway_tls}"] if gateway_tls is not None else []
    again += needed_again(data_dir, tensorboard)
    with (
        ending_in_order(),
        stopped_by_hand(messages, folder, ["tifed", "flower", "up"], again),
        event_files(folder, tensorboard) as events,
    ):
        result = run_up(
            chosen, folder, nodes=len(gateways) or min(nodes, chosen.devices),
            gateways=gateways, gateway_tls=gateway_tls, secure=not insecure,
            settings=Settings("", timeout=timeout, grace=grace), data_dir=data_dir, watch=watch,
            log=lambda message: messages.print(message, markup=False),
        )  # fmt: skip
    show(result, folder, as_json)


@app.command()
def bundle(
    folder: Annotated[Path, typer.Argument(help="Folder to create for the app.")],
    experiment: ExperimentFile = None,
    preset: Preset = None,
    settings: Overrides = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the run on the server's machine, as an absolute path."),
    ] = None,
    site: SiteDevices = None,
    timeout: Timeout = 600.0,
    grace: Grace = 120.0,
) -> None:
    """Write an app for *flwr run*, to use with a SuperLink and SuperNodes of your own.

    For an experiment with *own_data* it also shows what the owner of a node without boards puts in
    the configuration of the node, to accept the experiment.
    """
    from tifed.experiment import to_toml
    from tifed.experiment.setup import require_devices
    from tifed.nodes.acceptance import acceptance
    from tifed.nodes.flower.bundle import write_bundle
    from tifed.nodes.serving.settings import Settings
    from tifed.nodes.serving.sites import Sites

    chosen = experiment_from(experiment, preset, settings)
    require_devices(chosen)
    if out is not None and not out.is_absolute():
        raise UsageError(f"--out {out}: must be absolute; it is a path on the server's machine")
    where = "" if out is None else str(out)
    sites = Sites.of(site or (), chosen.devices)
    write_bundle(
        folder, Settings(to_toml(chosen), out=where, timeout=timeout, grace=grace, sites=sites)
    )
    out_lines = Console(highlight=False, soft_wrap=True)
    if chosen.own_data:
        out_lines.print(f'accepts="{acceptance(chosen)}"', markup=False)
    if not site:
        Console(stderr=True, highlight=False, soft_wrap=True).print(
            "No --site: any node whose key is registered may host any device that no other hosts.",
            markup=False,
        )
    out_lines.print(f"flwr run {folder} CONNECTION", markup=False)


@app.command()
def keys(
    folder: Annotated[Path, typer.Argument(help="Private folder for the files, a new one.")],
    host: Annotated[
        list[str] | None,
        typer.Option(
            help="Name or address under which nodes reach the server. May be given several times."
        ),
    ] = None,
    nodes: Nodes = 1,
    gateway: Annotated[
        list[str] | None,
        typer.Option(
            metavar="HOST",
            help="Name or address under which a node reaches its gateway at a tcp: address. May be "
            "given several times: the first is for node 0, the next for node 1.",
        ),
    ] = None,
    renew: Annotated[
        bool,
        typer.Option(
            "--renew",
            help="Sign the certificates in the folder again, for another year, with *ca.key*.",
        ),
    ] = False,
) -> None:
    """Create the certificates and keys for TLS and node authentication.

    *ca.crt* goes to every node and to everybody who submits runs. *server.crt* and *server.key*
    stay with the SuperLink. *node-N* goes to node N only; register *node-N.pub* at the SuperLink.
    With *--gateway*, *gateway-N.pem* goes to the gateway of node N only, and *node-N.pem* to that
    node.

    *ca.key* signs certificates: whoever has it can pose as the server or a node at a gateway. Keep
    it on a machine or medium of its own, and put it back for *--renew*. Certificates last a year,
    the authority ten. Renewed files replace the old ones; programs that use them are started again.
    Keys of nodes at the SuperLink (*node-N*) do not run out, and stay.
    """
    from tifed.nodes.flower import require_flower

    require_flower()
    from tifed.nodes.keys import certificates
    from tifed.nodes.keys.authority import Authority, check_host

    # The SuperLink's own helpers reach it by loopback, whatever the nodes call it.
    reached_by = tuple(dict.fromkeys([*host, "localhost", "127.0.0.1"])) if host else ()
    gateways = gateway or []
    if len(gateways) > nodes:
        raise UsageError(f"--gateway: {len(gateways)} gateways for {nodes} nodes; a node has one")
    for field, places in (("--host", host or []), ("--gateway", gateways)):
        for place in places:
            check_host(place, field)
    try:
        if renew:
            if gateways:
                raise UsageError("--gateway: goes without --renew; those in the folder are renewed")
            names = certificates.renew(folder, reached_by)
        else:
            if not reached_by:
                raise UsageError("--host: name the server as nodes reach it")
            if folder.is_dir() and any(folder.iterdir()):
                raise UsageError(f"{folder}: is not empty; give the path of a new folder")
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            authority = Authority.new()
            made = certificates.make_server_certificates(folder, reached_by, authority)
            names = [*authority.write(folder), made.certificate, made.key]
            for number in range(nodes):
                names.append(certificates.make_node_key(folder, f"node-{number}"))
            for number, place in enumerate(gateways):
                names += certificates.make_gateway_files(folder, number, place, authority)
    except OSError as error:
        why = f"{error.filename}: {error.strerror}"
        raise UsageError(f"{folder}: cannot be read or written ({why})") from error
    for path in names:
        typer.echo(path)


app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(supernode)
app.command()(executor)
