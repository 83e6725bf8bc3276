"""``tifed gateway``: boards for whoever asks on a socket."""

from pathlib import Path
from typing import Annotated

import typer

from tifed.cli.options import DataDir
from tifed.errors import UsageError


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
            "tcp:HOST:PORT (open to everybody on that network, so use one that you trust).",
        ),
    ] = "unix:tifed-gateway.sock",
    baud: Annotated[
        int, typer.Option(min=300, help="Speed of serial lines, bits per second.")
    ] = 115_200,
    silence: Annotated[
        float, typer.Option(min=0.1, help="Seconds without an answer after which a board is gone.")
    ] = 30.0,
    look_every: Annotated[
        float, typer.Option(min=0.1, help="Seconds between two checks of boards that are idle.")
    ] = 10.0,
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
    """Connect boards to a Flower node.

    Run it as a service on the machine that has the boards. A SuperNode starts a program for every
    message, which could not keep a serial line open, so it asks the gateway. Name the gateway in
    the configuration of the node:

        flower-supernode ... --node-config 'gateway="unix:/run/tifed.sock" first-device=0'

    The first board is then device 0 of the federation, the next one device 1, and so on. With
    *partition-id* and *num-partitions* in place of *first-device*, the boards are the devices of
    that part.

    The experiment comes with every request, so the gateway is started once and serves one
    experiment after the other. A board needs firmware that was built for the experiment (*tifed
    export*); one that has other firmware is left out and named. Boards that have no samples of
    their own get them from the data set on this machine.

    The log shows which boards are there, leave and come back. To try it without boards, use *tifed
    emulate*.
    """
    from tifed.cli.service import addresses, log_to_stderr, stop_on_signals
    from tifed.link import Patience
    from tifed.link.listening import listening
    from tifed.nodes.gateway.board_pool import BoardPool, Lines
    from tifed.nodes.gateway.server import Gateway, log

    lines = addresses(devices)
    if not lines:
        raise UsageError("--devices: give the address of at least one board")
    pool = BoardPool(
        Lines(lines, baud, Patience(silence=silence), keys=str(keys or ""), unsealed=unsealed),
        data_dir,
    )
    log_to_stderr()
    stop = stop_on_signals()
    with listening(listen, "--listen") as listener:
        log.info("gateway of %d boards at %s", len(lines), listen)
        Gateway(pool, look_every).serve(listener, stop)
