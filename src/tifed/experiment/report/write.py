"""Turns a run's folder into a picture and a page."""

from pathlib import Path

from tifed.experiment.folder import RunFolder
from tifed.experiment.report.html import page
from tifed.experiment.report.pictures import pictures
from tifed.files.atomic import write_atomically
from tifed.files.paths import AnyPath


def write_report(folder: AnyPath) -> None:
    """Write ``accuracy.svg`` and ``report.html`` beside the files that they are made from.

    Args:
        folder: what a run has left: ``experiment.toml``, ``metrics.csv``, ``result.json`` and
            ``details.json``. The same files give the same picture and page.

    Raises:
        UsageError: if one of the files is missing or damaged, or the folder cannot be written.
    """
    folder = Path(folder)
    run = RunFolder(folder).read()
    drawn = pictures(run)
    html = page(run, drawn)
    write_atomically(folder / "accuracy.svg", drawn["accuracy"].file())
    write_atomically(folder / "report.html", html)
