"""``tifed presets``: what there is to start from."""

import json
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from tifed.cli.options import Json


def presets(
    name: Annotated[str | None, typer.Argument(help="Print this preset as TOML.")] = None,
    as_json: Json = False,
) -> None:
    """List the presets, or print one with every setting, ready to be changed."""
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
    table = Table(header_style="bold", box=SIMPLE_HEAD)
    for column in ("preset", "recipe", "layers", "devices", "rounds", "buffer", "batch"):
        table.add_column(column, no_wrap=True)
    for key, one in every.items():
        shape = "-".join(map(str, one.layers or ()))
        numbers = (one.devices, one.rounds, one.buffer, one.batch)
        table.add_row(key, one.recipe, shape, *map(str, numbers))
    console = Console(highlight=False)
    console.print(table)
    console.print("NAME-tuned is another word for NAME. tifed run --preset NAME runs one.")
