"""``tifed plan``: what an experiment needs and costs on real boards."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tifed.cli.options import DataDir, ExperimentFile, Json, Overrides, Preset, experiment_from


def plan(
    experiment: ExperimentFile = None,
    preset: Preset = None,
    settings: Overrides = None,
    board: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Show only this board, in detail. May be given several times."
        ),
    ] = None,
    boards: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Add the boards of this file (docs/your-own-board.md)."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="PNG", help="Draw the RAM of every board into this file.")
    ] = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Show which boards an experiment fits, and what a round costs them in time and energy.

    Nothing is built or run. Memory is computed from the layout that the C core uses. Instructions,
    code size and stack were measured on emulated processors where possible and are modelled
    elsewhere; the table says which figure is which.
    """
    from tifed.board import load_boards, load_measured
    from tifed.board.measured_extraction import load_extractions
    from tifed.board.measured_front_end import load_front_end_runs
    from tifed.board.measured_signal import load_signal_runs
    from tifed.experiment.setup import extractor_of, intake_of, network_for, signal_for
    from tifed.plan import Preprocessing
    from tifed.plan import plan as make_plan
    from tifed.plan.as_json import as_json as plain

    chosen = experiment_from(experiment, preset, settings)
    known, measured = load_boards(boards), load_measured()
    front_end, shifts = intake_of(chosen, data_dir)
    before = Preprocessing(
        front_end, extractor_of(chosen), load_front_end_runs(), load_extractions(), shifts,
        signal_for(chosen, data_dir), load_signal_runs(),
    )  # fmt: skip
    network = network_for(chosen, data_dir)
    made = make_plan(chosen, network, known, measured, tuple(board or ()), before)
    if out is not None:
        from tifed.experiment.report.theme import png
        from tifed.files.atomic import write_atomically
        from tifed.plan.picture import ram_picture

        write_atomically(out, png(ram_picture(made)))
    if as_json:
        typer.echo(json.dumps(plain(made, known, measured)))
        return
    from tifed.plan.tables import tables

    console = Console(highlight=False)
    for table in tables(made, measured, parts=bool(board)):
        console.print(table)
    if out is not None:
        console.print(f"picture {out}", soft_wrap=True)
