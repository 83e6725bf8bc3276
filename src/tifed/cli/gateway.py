"""``tifed gateway``: boards for whoever asks on a socket."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tifed.cli.options import DataDir
from tifed.errors import UsageError

if TYPE_CHECKING:
    from tifed.nodes.gateway.server import Admission


def gateway(
    devices: Annotated[
        str,
        typer.Option(
            metavar="LINE,LINE,...",
            help="Addresses of the boards, in the order of their device numbers: "
            "serial:/dev/ttyACM0, tcp:HOST:PORT, unix:PATH.",
        ),
    ],
    listen: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Address at which nodes reach the gateway: unix:PATH (open to this user only) or "
            "tcp:HOST:PORT (by TLS with certificates on both sides, so --tls and --peer go with "
            "it).",
        ),
    ] = "unix:tifed-gateway.sock",
    tls: Annotated[
        Path | None,
        typer.Option(
            help="Private file of the gateway, with its key, its certificate and the authority's: "
            "gateway-N.pem of *tifed flower keys --gateway*. For a tcp: address."
        ),
    ] = None,
    peer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Name in the certificate of a node that may connect, such as node-0. May be given "
            "several times. For a tcp: address.",
        ),
    ] = None,
    baud: Annotated[
        int, typer.Option(min=300, help="Speed of serial lines, bits per second.")
    ] = 115_200,
    silence: Annotated[
        float, typer.Option(min=0.1, help="Seconds without an answer after which a board is gone.")
    ] = 30.0,
    look_every: Annotated[
        float, typer.Option(min=0.1, help="Seconds between two checks of boards that are idle.")
    ] = 10.0,
    hold: Annotated[
        float,
        typer.Option(
            min=0,
            help="Seconds that an experiment with rounds left may ask for nothing until another "
            "one gets the boards.",
        ),
    ] = 60.0,
    least_update: Annotated[
        int,
        typer.Option(min=1, help="Fewest samples of this machine that an update may be made of."),
    ] = 10,
    least_calibration: Annotated[
        int,
        typer.Option(
            min=1, help="Fewest samples of this machine that calibration sums may be over."
        ),
    ] = 50,
    accepts: Annotated[
        str,
        typer.Option(
            metavar="FILE|TEXT|any",
            help="The one experiment that may use the samples of boards which have their own: its "
            "file, or the text that *tifed flower bundle* shows. *any* accepts all experiments.",
        ),
    ] = "",
    ledger: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Folder of this gateway's own in which it writes down what sums with noise have "
            "given away of its devices.",
        ),
    ] = None,
    most_epsilon: Annotated[
        float | None,
        typer.Option(
            help="What all experiments together may give away of a device; whatever would be more "
            "is refused, and so are experiments without noise. Goes with *--ledger*."
        ),
    ] = None,
    delta: Annotated[
        float, typer.Option(help="What *--most-epsilon* is at: the chance that it does not hold.")
    ] = 1e-5,
    keys: Annotated[
        Path | None,
        typer.Option(help="File with the keys of the boards, whose lines are then sealed."),
    ] = None,
    unsealed: Annotated[
        bool,
        typer.Option(
            "--unsealed",
            help="Use boards over a network without keys; everybody there can read and change it.",
        ),
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Connect boards to a node of Flower or MQTT.

    Run it as a service on the machine that has the boards. A SuperNode may start a program for
    every message, which could not keep a serial line open, so it asks the gateway. Name the gateway
    in the configuration of the node:

        flower-supernode ... --node-config 'gateway="unix:/run/tifed.sock" first-device=0'

    The first board is then device 0 of the federation, the next one device 1, and so on. With
    *partition-id* and *num-partitions* in place of *first-device*, the boards are the devices of
    that part.

    The experiment comes with every request, so the gateway is started once and serves one
    experiment after the other. A board needs firmware that was built for the experiment (*tifed
    export*); one that has other firmware is left out and named. Boards that have no samples of
    their own get them from the data set on this machine: one that has a name, or files in the
    folder *--data-dir*. An experiment that names a file elsewhere is refused, as is all work that
    does not follow from the experiment, or is over fewer samples than *--least-update* and
    *--least-calibration* say. Boards with samples of their own have such numbers in their firmware,
    and work for the experiment that *--accepts* names, and for no other: whoever sends another one,
    with less noise or without masks, is refused.

    The log shows which boards are there, leave and come back. To try it without boards, use *tifed
    emulate*.
    """
    from tifed.cli.service import addresses, log_to_stderr, stop_on_signals
    from tifed.link import Patience
    from tifed.link.listening import listening
    from tifed.nodes.gateway.board_pool import BoardPool, BoardTerms, Lines
    from tifed.nodes.gateway.server import Gateway, log
    from tifed.nodes.least import LeastSamples
    from tifed.nodes.ledger import Ledger

    lines = addresses(devices)
    if not lines:
        raise UsageError("--devices: give the address of at least one board")
    admission = _admission(listen, tls, tuple(peer or ()))
    least = LeastSamples(update=least_update, calibration=least_calibration)
    names = ("--ledger", "--most-epsilon", "--delta")
    account = Ledger.of(ledger, most_epsilon, delta, names)
    pool = BoardPool(
        Lines(lines, baud, Patience(silence=silence), keys=str(keys or ""), unsealed=unsealed),
        BoardTerms(data_dir, least, accepted(accepts), hold, account),
    )
    log_to_stderr()
    stop = stop_on_signals()
    with listening(listen, "--listen") as listener:
        log.info("gateway of %d boards at %s", len(lines), listen)
        Gateway(pool, look_every, admission).serve(listener, stop)


def accepted(given: str, field: str = "--accepts") -> str:
    """What is accepted by ``given``: the text of an experiment, `ANY`, or nothing.

    Raises:
        UsageError: if it is neither a text nor the file of an experiment with own data.
    """
    from tifed.experiment import load_experiment
    from tifed.nodes.acceptance import ANY, acceptance

    if given in ("", ANY) or re.fullmatch("[0-9a-f]{64}", given):
        return given
    if not Path(given).is_file():
        raise UsageError(
            f"{field}: {given!r} is neither {ANY!r}, nor a file, nor the text of 64 digits that "
            "tifed flower bundle shows"
        )
    experiment = load_experiment(given)
    if not experiment.own_data:
        raise UsageError(
            f"{field}: {given} has not own_data = true; without it boards have no samples of "
            "their own, and nothing is to be accepted"
        )
    return acceptance(experiment)


def _admission(listen: str, tls: Path | None, peers: tuple[str, ...]) -> "Admission | None":
    """Who may connect; None at a Unix socket.

    Raises:
        UsageError: if a TCP address comes without certificates, or a Unix socket with them.
    """
    from tifed.nodes.gateway.server import Admission
    from tifed.nodes.gateway.tls import gateway_context

    if not listen.startswith("tcp:"):
        if tls is not None or peers:
            raise UsageError("--tls, --peer: go with --listen tcp:HOST:PORT")
        return None
    if tls is None or not peers:
        raise UsageError(
            "--listen: a tcp: address is open to everybody on the network, so it needs --tls FILE "
            "and --peer NAME (tifed flower keys --gateway makes the files); or use unix:PATH"
        )
    return Admission(gateway_context(tls, "--tls"), peers)
