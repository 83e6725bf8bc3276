"""``tifed run``: run an experiment, or go on with one."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tifed.cli.options import DataDir, ExperimentFile, Json, Overrides, Preset, experiment_from
from tifed.cli.result import result_table
from tifed.errors import UsageError


def run(
    experiment: ExperimentFile = None,
    preset: Preset = None,
    settings: Overrides = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run; default a new one in runs/.")
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(help="Go on with the run in this folder.", metavar="DIR")
    ] = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Train a federation of integer-only devices and write a run folder.

    Without arguments it runs the preset *digits*, whose data ship with scikit-learn.

    The folder holds experiment.toml (every setting), metrics.csv (a row per round),
    model.safetensors, checkpoints, accuracy.png and report.html. A run that was stopped goes on
    with --resume and ends with the digest it would have had.
    """
    from tifed import experiment as runs
    from tifed.cli.progress import RunProgress
    from tifed.report import write_report

    messages = Console(stderr=True, highlight=False)
    with RunProgress(messages) as progress:
        if resume is not None:
            if experiment is not None or preset is not None or settings or out is not None:
                raise UsageError("--resume: takes a run's folder and none of its settings")
            folder = resume
            result = runs.resume(
                folder, data_dir=data_dir, watch=progress.update, warn=progress.warn
            )
        else:
            chosen = experiment_from(experiment, preset, settings)
            name = f"{Path(chosen.dataset).stem}-{chosen.recipe}-{chosen.mode}"
            folder = out or runs.free_folder(Path("runs"), name)
            result = runs.run(
                chosen, out=folder, data_dir=data_dir, watch=progress.update, warn=progress.warn
            )
    write_report(folder)
    if as_json:
        typer.echo(json.dumps(asdict(result)))
    else:
        console = Console(highlight=False)
        console.print(result_table([asdict(result)]))
        console.print(f"digest {result.digest}")
        console.print(f"report {folder / 'report.html'}", soft_wrap=True)
