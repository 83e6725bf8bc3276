"""The ``tifed`` command: its subcommands, and how errors become exit codes."""

import io
import sys
from typing import Annotated

import typer
from rich.console import Console

from tifed.cli.bench import bench
from tifed.cli.emulate import emulate
from tifed.cli.export import export
from tifed.cli.extractor import app as extractor
from tifed.cli.flower import app as flower
from tifed.cli.gateway import gateway
from tifed.cli.keys import keys
from tifed.cli.mqtt import app as mqtt
from tifed.cli.partition import partition
from tifed.cli.plan import plan
from tifed.cli.presets import presets
from tifed.cli.ranges import ranges
from tifed.cli.reproduce import reproduce
from tifed.cli.run import run
from tifed.cli.show import show
from tifed.errors import RunError, UsageError

app = typer.Typer(
    name="tifed",
    help="Federated training on microcontrollers, with integers only.",
    epilog="Start with: tifed run --preset digits",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
for command in (
    run,
    presets,
    show,
    ranges,
    partition,
    plan,
    export,
    reproduce,
    bench,
    emulate,
    gateway,
    keys,
):
    app.command()(command)
app.add_typer(extractor, short_help="Make and use frozen feature extractors.")
app.add_typer(flower, short_help="Run experiments over Flower.")
app.add_typer(mqtt, short_help="Run experiments over MQTT.")


def _version(wanted: bool) -> None:
    """Print the version and end, if it is wanted."""
    if wanted:
        from tifed.version import __version__

        typer.echo(f"tifed {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_version, help="Print the version."),
    ] = False,
) -> None:
    """Federated training on microcontrollers, with integers only."""


def main() -> None:
    """Run the command line; 2 for a request that is wrong, 1 for one that failed, 130 for ^C."""
    for stream in (sys.stdout, sys.stderr):
        # Class names and paths are anybody's; a terminal of another alphabet shows "?" for them.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    errors = Console(stderr=True, soft_wrap=True, highlight=False)
    try:
        app()
    except UsageError as error:
        errors.print(f"error: {error}", markup=False)
        sys.exit(2)
    except RunError as error:
        errors.print(f"failed: {error}", markup=False)
        sys.exit(1)
