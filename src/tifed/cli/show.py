"""``tifed show``: a finished run again."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tifed.cli.options import Json
from tifed.cli.result import result_table


def show(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")],
    as_json: Json = False,
) -> None:
    """Print the result of a run and rebuild its report from its files."""
    from tifed.experiment import RunFolder
    from tifed.report import write_report

    result = RunFolder(folder).read_result()
    write_report(folder)
    if as_json:
        typer.echo(json.dumps(result))
        return
    console = Console(highlight=False)
    console.print(result_table([result]))
    console.print(f"digest {result['digest']}")
    console.print(f"report {folder / 'report.html'}", soft_wrap=True)
