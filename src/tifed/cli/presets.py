"""``tifed presets``: what there is to start from."""

import json
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from tifed.cli.options import Json

_COLUMNS = ("preset", "recipe", "layers", "devices", "rounds", "buffer", "batch")
_WIDEST = 1000


def presets(
    name: Annotated[
        str | None, typer.Argument(help="Print this preset as an experiment file.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the presets, or print one with all its settings, ready to be changed."""
    from tifed.experiment import load_experiment, preset_names, to_toml

    if name is not None:
        experiment = load_experiment(preset=name)
        if as_json:
            typer.echo(json.dumps(experiment.model_dump(mode="json")))
        else:
            typer.echo(to_toml(experiment), nl=False)
        return
    every = {preset: load_experiment(preset=preset) for preset in preset_names()}
    if as_json:
        typer.echo(json.dumps({key: one.model_dump(mode="json") for key, one in every.items()}))
        return
    rows = [
        (
            key, one.recipe, "-".join(map(str, one.layers or ())),
            *map(str, (one.devices, one.rounds, one.buffer, one.batch)),
        )
        for key, one in every.items()
    ]  # fmt: skip
    console = Console(highlight=False)
    columns = len(_COLUMNS)
    unbounded = console.options.update_width(_WIDEST)
    while (
        columns > 1
        and console.measure(_table(rows, columns), options=unbounded).maximum > console.width
    ):
        columns -= 1
    console.print(_table(rows, columns))
    if columns < len(_COLUMNS):
        console.print(f"A wider terminal shows {', '.join(_COLUMNS[columns:])} as well.")
    console.print("NAME-tuned is the same as NAME. Run a preset with: tifed run --preset NAME")


def _table(rows: Sequence[Sequence[str]], columns: int) -> Table:
    """The first ``columns`` of ``rows``; nothing in it is cut off."""
    table = Table(header_style="bold", box=SIMPLE_HEAD)
    for column in _COLUMNS[:columns]:
        table.add_column(column, no_wrap=columns > 1, overflow="fold")
    for row in rows:
        table.add_row(*row[:columns])
    return table
