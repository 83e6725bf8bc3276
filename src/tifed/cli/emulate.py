"""``tifed emulate``: emulated boards on sockets, to try what is for boards."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from tifed.cli.options import DataDir, ExperimentFile, Overrides, Preset, experiment_from
from tifed.errors import UsageError


def emulate(
    listen: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS,ADDRESS,...",
            help="Socket of each board: unix:PATH or tcp:HOST:PORT.",
        ),
    ],
    experiment: ExperimentFile = None,
    preset: Preset = None,
    settings: Overrides = None,
    board: Annotated[
        Literal["cortex-m0", "cortex-m3", "cortex-m4", "cortex-m7", "riscv32"],
        typer.Option(help="Microcontroller to emulate."),
    ] = "cortex-m4",
    emulator: Annotated[
        Literal["unicorn", "qemu"],
        typer.Option(help="Emulate the processor alone, or QEMU's whole board."),
    ] = "unicorn",
    compiler: Annotated[
        Literal["zig", "gcc"],
        typer.Option(help="Compile with ziglang from PyPI, or an installed cross-gcc."),
    ] = "zig",
    first_device: Annotated[
        int,
        typer.Option(
            min=0,
            help="With own data: which device the first board is; the next board is the next "
            "device.",
        ),
    ] = 0,
    keys: Annotated[
        Path | None,
        typer.Option(help="File with the keys of the boards, whose lines are then sealed."),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Run emulated boards, each behind its own socket.

    Their firmware is built for the experiment. Use them in place of real boards: *tifed gateway
    --devices* and the setting *link.devices* of an experiment take the same addresses. A board that
    is stopped and started again has forgotten everything, as a real one does without power.

    With *own_data* each board has its part of the data set in its flash before it starts. Whoever
    works with the boards can then say *dataset = "on-devices"*, and needs no data set.

        tifed emulate --preset digits --listen unix:a.sock,unix:b.sock &

        tifed gateway --devices unix:a.sock,unix:b.sock --listen unix:gateway.sock
    """
    from tifed.board.emulators.serve import serve_boards
    from tifed.cli.service import addresses, log_to_stderr, stop_on_signals
    from tifed.experiment import build
    from tifed.fleets.emulated import Emulation, firmware_for
    from tifed.fleets.stores import flash_contents
    from tifed.link.address import check_distinct, check_socket_address
    from tifed.link.keys import key_of, read_keys

    places = addresses(listen)
    if not places:
        raise UsageError("--listen: give at least one address")
    for place in places:  # before the firmware is made, which takes its time
        check_socket_address(place, "--listen")
    check_distinct(places, "--listen")
    chosen = experiment_from(experiment, preset, settings)
    last = first_device + len(places)
    if first_device and not chosen.own_data:
        raise UsageError(
            "--first-device: goes with own_data = true; boards that are sent their samples are "
            "whatever devices they are used as"
        )
    if chosen.own_data and last > chosen.devices:
        raise UsageError(
            f"--listen: {len(places)} boards from device {first_device} on, but the experiment has "
            f"{chosen.devices} devices; each has samples of its own, so give no more addresses, or "
            "set devices"
        )
    here = chosen.model_copy(update={"fleet": "simulated", "fleet_settings": {}})
    setup = build(here, data_dir)
    found = None if keys is None else read_keys(keys, "--keys")
    there = (
        None
        if found is None
        else [key_of(found, device, "--keys") for device in range(first_device, last)]
    )
    firmware = firmware_for(
        Emulation(board, emulator, compiler), setup.inputs,
        sealed=there is not None, quiet=chosen.link.quiet,
    )  # fmt: skip
    own = flash_contents(setup.inputs, firmware)
    log_to_stderr()
    serve_boards(firmware, places, stop_on_signals(), own and own[first_device:last], there)
