"""A reproduction's folder: report.html, table.json, results.csv."""

from pathlib import Path

from tifed.experiment.report.amounts import share
from tifed.experiment.report.page import render
from tifed.files.atomic import write_atomically
from tifed.studies.pictures import Picture, pictures
from tifed.studies.reproduction import Reproduction
from tifed.studies.summary import SummaryTable, csv_text


def write_reproduction(folder: Path, reproduction: Reproduction, table: SummaryTable) -> None:
    """Write what a reader needs beside the finished runs.

    Raises:
        UsageError: if the folder cannot be written.
    """
    page = _page(table, pictures(reproduction, table))
    write_atomically(folder / "results.csv", csv_text(reproduction))
    write_atomically(folder / "table.json", table.model_dump_json(indent=1) + "\n")
    write_atomically(folder / "report.html", page)


def _page(table: SummaryTable, drawn: dict[str, Picture]) -> str:
    """One HTML file that needs nothing but a browser."""
    return render(
        "tifed.studies",
        "reproduction.html",
        {"points": _points, "share": share},
        pictures=drawn,
        table=table,
        plotted=any(row.published_plotted is not None for row in table.rows),
    )


def _points(value: float | None) -> str:
    """A difference of fractions with its sign.

    >>> _points(0.002), _points(None) == share(None)
    ('+.0020', True)
    """
    if value is None:
        return "\N{EN DASH}"
    return ("+" if value >= 0 else "\N{MINUS SIGN}") + share(abs(value))
