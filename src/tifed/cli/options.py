"""Options that several commands share, and the experiment that they describe."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tifed.experiment import Experiment

ExperimentFile = Annotated[
    Path | None,
    typer.Argument(metavar="[EXPERIMENT.toml]", help="Experiment file; see docs/experiments.md."),
]
Preset = Annotated[str | None, typer.Option(help="Start from a preset (tifed presets lists them).")]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change one setting, for example rounds=3 or partition.alpha=0.1. Repeatable.",
    ),
]
DataDir = Annotated[
    Path | None,
    typer.Option(help="Folder of data sets.", envvar="TIFED_DATA_DIR", show_envvar=True),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]


def experiment_from(
    path: Path | None, preset: str | None, overrides: list[str] | None
) -> "Experiment":
    """The experiment that a command line describes."""
    from tifed.experiment import load_experiment

    if path is None and preset is None and not overrides:
        preset = "digits"
    return load_experiment(path, preset=preset, overrides=overrides or ())
