"""``tifed reproduce``: the paper's experiments again, beside the published figures."""

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as Grid

from tifed.cli.options import DataDir, Json
from tifed.cli.sweep_bar import sweep_bar
from tifed.errors import UsageError

if TYPE_CHECKING:
    from tifed.studies import SummaryTable
    from tifed.studies.summary import Summary


def reproduce(
    name: Annotated[str, typer.Argument(help="Name of an experiment, or *list*.")] = "list",
    runs: Annotated[
        int, typer.Option(min=1, help="Number of runs for each setting; run k uses seed k.")
    ] = 5,
    schedule: Annotated[
        str,
        typer.Option(
            metavar="federated|published",
            help="*federated* averages the devices. *published* repeats what the published code "
            "does: after the first average all workers share one weight array.",
        ),
    ] = "federated",
    recipe: Annotated[
        list[str] | None,
        typer.Option(
            help="Run only this recipe or baseline, such as tuned or float-fedavg; default "
            "those of the experiment. May be given several times."
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TEXT",
            help="Run only settings whose name contains this text. May be given several times.",
        ),
    ] = None,
    jobs: Annotated[
        int, typer.Option(help="Number of runs at the same time; -1 for one per core.")
    ] = 1,
    out: Annotated[
        Path | None, typer.Option(help="Folder for results; default runs/reproduce-NAME-SCHEDULE.")
    ] = None,
    engine: Annotated[
        str | None, typer.Option(help="native or oracle; both give the same digest.")
    ] = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Run one of the paper's experiments again; *tifed reproduce list* names them.

    The folder gets report.html, table.json and results.csv. Finished runs are kept in it, so the
    same command continues where it was stopped, and a larger *--runs* only runs what is missing.
    """
    if name == "list":
        _list(as_json)
        return
    from tifed import studies

    study = studies.study(name)
    if schedule not in tuple(studies.Schedule):
        raise UsageError(f"schedule: {schedule!r} is not one of {', '.join(studies.Schedule)}")
    chosen = studies.Schedule(schedule)
    folder = out or Path("runs") / f"reproduce-{name}-{schedule}"
    messages = Console(stderr=True, highlight=False)
    with sweep_bar(messages) as show:
        reproduction = studies.carry_out(
            study, folder, runs=runs, schedule=chosen, methods=recipe or (),
            containing=settings or (), engine=engine, jobs=jobs, data_dir=data_dir,
            watch=show,
        )  # fmt: skip
    command = ["tifed", "reproduce", name, "--runs", str(runs), "--schedule", schedule]
    for option, values in (("--recipe", recipe), ("--settings", settings)):
        for value in values or ():
            command += [option, value]
    command += ["--engine", engine] if engine else []
    table = studies.table(reproduction, shlex.join(command))
    studies.write_reproduction(folder, reproduction, table)
    if as_json:
        typer.echo(table.model_dump_json())
        return
    console = Console(highlight=False)
    console.print(_grid(table))
    for finding in table.findings:
        console.print(finding)
    console.print(f"report {folder / 'report.html'}", soft_wrap=True)


def _list(as_json: bool) -> None:
    """Every study, and what it consists of."""
    from tifed.studies import names, study

    studies = [study(name) for name in names()]
    if as_json:
        listed = [
            {
                "name": one.name,
                "title": one.title,
                "settings": [setting.name for setting in one.chosen()],
                "notes": one.notes,
            }
            for one in studies
        ]
        typer.echo(json.dumps(listed))
        return
    grid = Grid(header_style="bold", box=SIMPLE_HEAD)
    for column in ("name", "experiment", "settings"):
        grid.add_column(column, justify="right" if column == "settings" else "left")
    for one in studies:
        grid.add_row(one.name, one.title, str(len(one.chosen())))
    console = Console(highlight=False)
    console.print(grid)
    console.print("Run one with: tifed reproduce NAME")


def _grid(table: "SummaryTable") -> Grid:
    """Ours and the published figures for a terminal."""
    grid = Grid(header_style="bold", box=SIMPLE_HEAD, title=table.title, title_justify="left")
    plotted = any(row.published_plotted is not None for row in table.rows)
    grid.add_column("setting", no_wrap=True)
    # A plot's values are not said to be final or best ones: only the result stands beside them.
    shown = 2 if plotted else 4
    for column in ("final round", "cited", "best round*", "cited")[:shown]:
        grid.add_column(column, justify="right", no_wrap=True)
    for row in table.rows:
        cited = [row.published_final_round, row.published_best_over_rounds]
        final, best = ("" if one is None else f"{one.mean:.4f}" for one in cited)
        if row.published_plotted is not None:
            final = f"{row.published_plotted:.3f}"
        cells = [_pair(row.final_round), final, _pair(row.best_over_rounds), best]
        grid.add_row(row.setting, *cells[:shown])
    seeds = (
        "1 run; cited: the published means"
        if table.seeds == 1
        else f"mean ± standard deviation of {table.seeds} runs; cited: the published means"
    )
    note = f"* {table.best_over_rounds_is}"
    if plotted:
        note = "cited values were read off a plot and are of other inputs (see the report)"
    grid.caption = f"{table.what}\n{seeds}\n{note}"
    grid.caption_justify = "left"
    return grid


def _pair(summary: "Summary") -> str:
    """A mean and its spread."""
    if summary.std is None:
        return f"{summary.mean:.4f}"
    return f"{summary.mean:.4f} ±" + f"{summary.std:.4f}".removeprefix("0")
