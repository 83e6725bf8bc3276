"""`tifed bench`: how fast the native engine is here."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table


def bench(
    repeats: Annotated[
        int, typer.Option(min=1, help="How often each figure is measured; the median is shown.")
    ] = 7,
    full: Annotated[
        bool, typer.Option(help="Measure 10,000 devices as well (about 6 seconds).")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the figures as one JSON object.")
    ] = False,
) -> None:
    """Measure how fast the native engine trains on this machine."""
    from tifed.native.speed import measure

    found = measure(repeats, full)
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    console = Console()
    for title, rows in found.items():
        rows = rows if isinstance(rows, list) else [rows]
        table = Table(title=title, title_justify="left")
        for column in rows[0]:
            table.add_column(column.replace("_", " "), justify="right")
        for row in rows:
            table.add_row(*(f"{v:,}" if isinstance(v, int) else str(v) for v in row.values()))
        console.print(table)
