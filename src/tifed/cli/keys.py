"""``tifed keys``: keys of devices, with which their lines are sealed."""

from pathlib import Path
from typing import Annotated

import typer

from tifed.errors import UsageError


def keys(
    file: Annotated[Path, typer.Argument(help="Key file.")],
    devices: Annotated[
        int | None,
        typer.Option(min=1, max=1 << 16, help="Make the file, with a key for so many devices."),
    ] = None,
    page: Annotated[
        int | None,
        typer.Option(min=0, help="Write the page of flash of the device with this number."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="File for the page.")] = None,
) -> None:
    """Make the keys of devices, and the page of flash that gives a board its key.

    Each device has a key of its own. The host reads it from the key file (setting *link.keys*, or
    *--keys* of *tifed gateway* and *tifed emulate*), which only its owner may read. A board has it
    in a page of flash, which is written once, next to the firmware, with the tool that flashes it:

        tifed keys boards.keys --devices 2

        tifed keys boards.keys --page 0 --out board-0.bin
    """
    from tifed.link.keys import key_of, key_page, new_key, read_keys, write_keys, write_page

    if (devices is None) == (page is None):
        raise UsageError("keys: give --devices to make a key file, or --page to write a page")
    if devices is not None:
        if out is not None:
            raise UsageError("--out: goes with --page")
        write_keys(file, {device: new_key() for device in range(devices)})
        return
    if out is None or page is None:
        raise UsageError("--page: needs --out, the file for the page")
    write_page(out, key_page(key_of(read_keys(file, "keys"), page, "--page")))
