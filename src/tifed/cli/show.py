"""``tifed show``: a finished run again."""

from pathlib import Path
from typing import Annotated

import typer

from tifed.cli.options import Json
from tifed.cli.result import show_result


def show(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")],
    as_json: Json = False,
) -> None:
    """Print the result of a finished run again, and write its report anew."""
    from tifed.experiment import RunFolder
    from tifed.experiment.report import write_report

    result = RunFolder(folder).read_result()
    write_report(folder)
    show_result(result, folder, as_json)
