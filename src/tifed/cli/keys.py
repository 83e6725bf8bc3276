"""``tifed keys``: keys of devices, with which their lines are sealed."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from tifed.errors import UsageError

_SECONDS = 30.0
"""As long as a board may take to start and to take a sample before it answers."""


def keys(
    file: Annotated[Path, typer.Argument(help="Key file.")],
    devices: Annotated[
        int | None,
        typer.Option(min=1, max=1 << 16, help="Make the file, with a key for so many devices."),
    ] = None,
    page: Annotated[
        int | None,
        typer.Option(min=0, help="Write, or send, the key of the device with this number."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="File for the page of flash with it.")] = None,
    send: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Line of a board that has no key yet, with a program of tifed export --sealed: "
            "serial:/dev/ttyACM0",
        ),
    ] = None,
    new: Annotated[
        bool,
        typer.Option(
            "--new",
            help="With --send: a new key, which takes the place of the device's key in the file. "
            "For a board whose memory was erased, or that did not get the first one.",
        ),
    ] = False,
    baud: Annotated[int, typer.Option(min=1, help="Bits per second of a serial line.")] = 115_200,
) -> None:
    """Make the keys of devices, and give each board its key.

    Each device has a key of its own. The host reads it from the key file (setting *link.keys*, or
    *--keys* of *tifed gateway* and *tifed emulate*), which only its owner may read. A board with a
    program of *tifed export --sealed* takes its key from its line, once, and a key is sent once:

        tifed keys boards.keys --devices 2

        tifed keys boards.keys --page 0 --send serial:/dev/ttyACM0

    Firmware of your own may have it in a page of flash, which *--page 0 --out board-0.bin* writes.
    """
    from tifed.link.giving import give_key
    from tifed.link.keys import (
        key_of,
        key_page,
        new_key,
        note_sent,
        read_keys,
        sending_from,
        write_keys,
        write_page,
    )

    if (devices is None) == (page is None):
        raise UsageError("keys: give --devices to make a key file, or --page to write a page")
    if devices is not None:
        for name, value in (("--out", out), ("--send", send), ("--new", new or None)):
            if value is not None:
                raise UsageError(f"{name}: goes with --page")
        write_keys(file, {device: new_key() for device in range(devices)})
        return
    if page is None or (out is None) == (send is None):
        raise UsageError(
            "--page: needs --out, the file for the page, or --send, the line of the board"
        )
    if new and send is None:
        raise UsageError("--new: goes with --send")
    if out is not None:
        write_page(out, key_page(key_of(read_keys(file, "keys"), page, "--page")))
    if send is not None:
        with sending_from(file, "keys", partial(typer.echo, err=True)) as known:
            key = key_of(known, page, "--page")
            key = new_key() if new else key
            give_key(send, key, baud, _SECONDS, lambda: note_sent(file, page, key, "keys"))
