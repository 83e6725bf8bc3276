"""``tifed mqtt``: the same run with resident nodes at an MQTT broker."""

import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

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
    from tifed.experiment import Progress, Result

app = typer.Typer(
    name="mqtt",
    help="Run experiments with nodes that stay connected to an MQTT broker, such as mosquitto. "
    "Needs *pip install 'tifed[mqtt]'*. The digest is the same as with *tifed run*.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

BrokerAddress = Annotated[
    str, typer.Option(metavar="HOST:PORT", help="Host and port of the broker; TLS is used.")
]
Packet = Annotated[
    int,
    typer.Option(
        metavar="BYTES",
        min=1024,
        help="Longest packet to send; longer messages go in pieces. If the broker allows less, "
        "what it allows counts.",
    ),
]
DEFAULT_PACKET = 1 << 18


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
    timeout: Timeout = 600.0,
    grace: Grace = 120.0,
    packet: Packet = DEFAULT_PACKET,
    tensorboard: TensorBoard = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Start a broker and nodes on this machine, run an experiment on them, and stop them.

    The broker is mosquitto, which has to be installed (Debian, Ubuntu: *apt install mosquitto*).
    Certificates and keys are made for this run and removed with it. A program that dies is started
    again.
    """
    from tifed.nodes.mqtt import require_mqtt

    require_mqtt()
    from tifed.nodes.mqtt.up import up as run_up
    from tifed.nodes.serving.settings import Settings

    chosen, folder = chosen_run(experiment, preset, settings, out, resume, "-mqtt")
    gateways = gateways_from(gateway or [], chosen.devices)
    again = [f"--gateway={address}" for address in gateways] or [f"--nodes={nodes}"]
    again += [f"--gateway-tls={gateway_tls}"] if gateway_tls is not None else []

    def run(watch: "Callable[[Progress], None]", log: Callable[[str], None]) -> "Result":
        return run_up(
            chosen, folder, nodes=len(gateways) or min(nodes, chosen.devices), gateways=gateways,
            gateway_tls=gateway_tls, settings=Settings("", timeout=timeout, grace=grace),
            data_dir=data_dir, packet=packet, watch=watch, log=log,
        )  # fmt: skip

    again += needed_again(data_dir, tensorboard)
    show(_watched("up", again, folder, tensorboard, run), folder, as_json)


@app.command()
def serve(
    broker: BrokerAddress,
    tls: Annotated[
        Path,
        typer.Option(help="Private file of the server: *server.pem* of *tifed mqtt keys*."),
    ],
    experiment: ExperimentFile = None,
    preset: Preset = None,
    settings: Overrides = None,
    out: RunOut = None,
    resume: Resume = None,
    site: SiteDevices = None,
    timeout: Timeout = 600.0,
    grace: Grace = 120.0,
    attempts: Annotated[
        int,
        typer.Option(
            min=1, help="How often a node is sent the same work until its devices are given up."
        ),
    ] = 2,
    packet: Packet = DEFAULT_PACKET,
    tensorboard: TensorBoard = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Run an experiment over the nodes at a broker.

    If the folder of *--out* has a run of the same experiment already, the run continues, so a
    service manager may start this command again whenever it has ended. A broker has one server at a
    time.
    """
    from tifed.nodes.mqtt import require_mqtt

    require_mqtt()
    from tifed.experiment import RunFolder, to_toml
    from tifed.nodes.mqtt.connection import Broker
    from tifed.nodes.mqtt.serve import serve as run_serve
    from tifed.nodes.serving.settings import Settings
    from tifed.nodes.serving.sites import Sites

    begun = out if out is not None and RunFolder(out).experiment.exists() else None
    if begun is not None:  # whether it is the same experiment is looked at where it is run
        from tifed.cli.options import experiment_from

        chosen, folder = experiment_from(experiment, preset, settings), begun
    else:
        chosen, folder = chosen_run(experiment, preset, settings, out, resume, "-mqtt")
    way = Broker(_checked(broker), tls, packet)
    text = to_toml(chosen)
    run_settings = Settings(
        text, str(folder.absolute()), str(data_dir.absolute()) if data_dir else "", timeout,
        attempts, grace, Sites.of(site or (), chosen.devices),
    )  # fmt: skip
    if not site:
        Console(stderr=True, highlight=False, soft_wrap=True).print(
            "No --site: any node with a certificate may host any device that no other hosts.",
            markup=False,
        )
    again = [f"--broker={broker}", f"--tls={tls}", *(f"--site={one}" for one in site or ())]

    def run(watch: "Callable[[Progress], None]", log: Callable[[str], None]) -> "Result":
        return run_serve(way, run_settings, watch=watch, log=log)

    again += needed_again(data_dir, tensorboard)
    show(_watched("serve", again, folder, tensorboard, run), folder, as_json)


@app.command()
def node(
    broker: BrokerAddress,
    tls: Annotated[
        Path,
        typer.Option(help="Private file of this site: *node-N.pem* of *tifed mqtt keys*."),
    ],
    config: Annotated[
        Path | None,
        typer.Argument(metavar="[NODE.toml]", help="Configuration of the node (docs/mqtt.md)."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="A key of the configuration, such as partition-id=0. Several are allowed.",
        ),
    ] = None,
    packet: Packet = DEFAULT_PACKET,
) -> None:
    """Stay connected to a broker, and answer for some of an experiment's devices.

    The devices are simulated here, or boards behind the *tifed gateway* that the configuration
    names. The experiment comes from the server; the configuration says what may be done with data
    of this machine, as it does for a Flower node.
    """
    from tifed.nodes.mqtt import require_mqtt

    require_mqtt()
    from tifed.cli.service import log_to_stderr
    from tifed.nodes.mqtt.connection import Broker
    from tifed.nodes.mqtt.node import SiteNode
    from tifed.nodes.node import Node
    from tifed.nodes.resident import ResidentNode

    devices = ResidentNode(Node.from_config(_configuration(config, settings or [])))
    resident = SiteNode(Broker(_checked(broker), tls, packet), devices.answer)
    log_to_stderr()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: resident.stop())
    resident.serve()


@app.command()
def keys(
    folder: Annotated[
        Path,
        typer.Argument(
            help="Private folder for the files: a new one, or with *--add* or *--renew* the one "
            "that has them."
        ),
    ],
    host: Annotated[
        list[str] | None,
        typer.Option(
            help="Name or address under which server and nodes reach the broker. May be given "
            "several times."
        ),
    ] = None,
    nodes: Annotated[
        int, typer.Option(min=0, help="Number of sites, which are called node-0, node-1, ...")
    ] = 0,
    site: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Name of a site. May be given several times."),
    ] = None,
    installed: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder in which the broker will find its files; default the folder itself.",
        ),
    ] = None,
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="Port on which the broker listens.")
    ] = 8883,
    packet: Packet = DEFAULT_PACKET,
    add: Annotated[
        bool,
        typer.Option("--add", help="Add sites to the folder, and write their rights into *acl*."),
    ] = False,
    renew: Annotated[
        bool,
        typer.Option(
            "--renew",
            help="Sign the certificates in the folder again, for another year, with *ca.key*.",
        ),
    ] = False,
) -> None:
    """Create the certificates, keys and rights for a broker, its server and its nodes.

    *ca.crt*, *broker.crt*, *broker.key*, *acl* and *mosquitto.conf* go to the broker. *server.pem*
    stays with whoever runs *tifed mqtt serve*. The file of a site, such as *node-0.pem*, goes to
    that site only.

    *ca.key* signs certificates: whoever has it can pose as anybody. Keep it on a machine or medium
    of its own, and put it back for *--add* and *--renew*. Certificates last a year, the authority
    ten. The broker reads *acl* again when it gets SIGHUP. Take a site's lines out of *acl* to shut
    it out.
    """
    from tifed.nodes.mqtt import require_mqtt

    require_mqtt()
    from tifed.nodes.mqtt.keys import add_sites, make_keys
    from tifed.nodes.mqtt.keys import renew as renew_keys

    sites = [*(f"node-{number}" for number in range(nodes)), *(site or ())]
    try:
        if renew:
            if sites or add:
                raise UsageError("--renew: goes without --add, --nodes and --site")
            paths = renew_keys(folder, tuple(host or ()))
        elif not sites:
            raise UsageError("--nodes, --site: name the sites")
        elif add:
            paths = add_sites(folder, sites)
        elif not host:
            raise UsageError("--host: name the broker as server and nodes reach it")
        else:
            paths = make_keys(
                folder, tuple(host), sites, installed=installed, port=port, packet=packet
            )
    except OSError as error:
        why = f"{error.filename}: {error.strerror}"
        raise UsageError(f"{folder}: cannot be read or written ({why})") from error
    for path in paths:
        typer.echo(path)


def _watched(
    command: str,
    again: list[str],
    folder: Path,
    tensorboard: bool,
    run: "Callable[[Callable[[Progress], None], Callable[[str], None]], Result]",
) -> "Result":
    """Run, with progress on standard error; ended by a signal, it says how to go on."""
    from tifed.cli.progress import RunProgress
    from tifed.cli.service import ending_in_order

    messages = Console(stderr=True, highlight=False, soft_wrap=True)

    def tell(message: str) -> None:
        messages.print(message, markup=False)

    with (
        _told(tell),
        ending_in_order(),
        stopped_by_hand(messages, folder, ["tifed", "mqtt", command], again),
        RunProgress(messages) as progress,
        event_files(folder, tensorboard) as events,
    ):

        def watch(round_done: "Progress") -> None:
            progress.update(round_done)
            if events is not None:
                events.watch(round_done)

        return run(watch, tell)


@contextmanager
def _told(tell: Callable[[str], None]) -> Iterator[None]:
    """What the package logs of the broker, told as well."""

    class Teller(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            tell(record.getMessage())

    log, teller = logging.getLogger("tifed.nodes.mqtt"), Teller()
    log.addHandler(teller)
    try:
        yield
    finally:
        log.removeHandler(teller)


def _checked(address: str) -> str:
    """The broker's address.

    Raises:
        UsageError: if it is none.
    """
    from tifed.link.address import check_socket_address

    try:
        check_socket_address(f"tcp:{address}", "--broker")
    except UsageError:
        raise UsageError(f"--broker: {address!r} is not HOST:PORT, such as alpha:8883") from None
    return address


def _configuration(path: Path | None, settings: list[str]) -> dict[str, Any]:
    """Of a node.

    Raises:
        UsageError: if the file cannot be read, or a setting is none.
    """
    from tifed.cli.gateway import accepted
    from tifed.experiment.load import override
    from tifed.files.toml_file import read_toml
    from tifed.nodes.node import CONFIG_KEYS

    config: dict[str, Any] = {}
    if path is not None:
        config = read_toml(path)
    for pair in settings:
        config |= override(pair)
    for key in config:
        if key not in CONFIG_KEYS:
            raise UsageError(
                f"node configuration: there is no {key[:40]!r}; there are {', '.join(CONFIG_KEYS)}"
            )
    if isinstance(config.get("accepts"), str):
        config["accepts"] = accepted(config["accepts"], "accepts")
    return config
