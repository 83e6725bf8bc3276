"""``tifed emulate``: emulated boards on sockets, to try what is for boards."""

from typing import Annotated, Literal

import typer

from tifed.cli.options import DataDir, ExperimentFile, Overrides, Preset, experiment_from
from tifed.errors import UsageError


def emulate(
    listen: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS,ADDRESS,...",
            help="A board at each of these: unix:PATH or tcp:HOST:PORT.",
        ),
    ],
    experiment: ExperimentFile = None,
    preset: Preset = None,
    settings: Overrides = None,
    board: Annotated[
        Literal["cortex-m0", "cortex-m3", "cortex-m4", "cortex-m7", "riscv32"],
        typer.Option(help="The microcontroller."),
    ] = "cortex-m4",
    emulator: Annotated[
        Literal["unicorn", "qemu"], typer.Option(help="Bare processors, or QEMU's whole boards.")
    ] = "unicorn",
    compiler: Annotated[
        Literal["zig", "gcc"], typer.Option(help="PyPI's ziglang, or a cross-gcc of this machine.")
    ] = "zig",
    data_dir: DataDir = None,
) -> None:
    """Emulate boards that were flashed for an experiment; each is at the other end of a socket.

    They stand where real boards would: *tifed gateway --devices* and *link.devices* of an
    experiment take the same addresses. A board that is stopped and started again has forgotten
    everything, as one without power has.

        tifed emulate --preset digits --listen unix:a.sock,unix:b.sock &

        tifed gateway --devices unix:a.sock,unix:b.sock --listen unix:gateway.sock
    """
    from tifed.board.emulators.serve import serve_boards
    from tifed.cli.service import addresses, log_to_stderr, stop_on_signals
    from tifed.experiment import build
    from tifed.fleets.emulated import Emulation, firmware_for
    from tifed.link.address import check_distinct, check_socket_address

    places = addresses(listen)
    if not places:
        raise UsageError("--listen: names no address")
    for place in places:  # before the firmware is made, which takes its time
        check_socket_address(place, "--listen")
    check_distinct(places, "--listen")
    chosen = experiment_from(experiment, preset, settings)
    here = chosen.model_copy(update={"fleet": "simulated", "fleet_settings": {}})
    setup = build(here, data_dir)
    firmware = firmware_for(Emulation(board, emulator, compiler), setup.inputs)
    log_to_stderr()
    serve_boards(firmware, places, stop_on_signals())
