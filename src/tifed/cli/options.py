"""Options that several commands share, and what they describe."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tifed.errors import UsageError

if TYPE_CHECKING:
    from tifed.experiment import Experiment
    from tifed.experiment.report.tensorboard import EventFiles

ExperimentFile = Annotated[
    Path | None,
    typer.Argument(metavar="[EXPERIMENT.toml]", help="Experiment file (docs/experiments.md)."),
]
Preset = Annotated[
    str | None, typer.Option(help="Start from this preset; tifed presets lists them.")
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change a setting, such as rounds=3 or partition.alpha=0.1. Several are allowed.",
    ),
]
RunOut = Annotated[
    Path | None, typer.Option("--out", help="Folder for the run; default a new one in runs/.")
]
Resume = Annotated[
    Path | None, typer.Option(help="Continue the run in this folder.", metavar="DIR")
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        help="Folder in which to look for data sets.",
        envvar="TIFED_DATA_DIR",
        show_envvar=True,
        exists=True,
        file_okay=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")]

TensorBoard = Annotated[
    bool,
    typer.Option("--tensorboard", help="Write event files for TensorBoard while the run goes on."),
]


@contextmanager
def event_files(folder: Path, wanted: bool) -> "Iterator[EventFiles | None]":
    """Event files of the run in ``folder``, from the round on that comes next, if wanted."""
    if not wanted:
        yield None
        return
    from tifed.experiment import RunFolder
    from tifed.experiment.report.tensorboard import EventFiles

    done = len(RunFolder(folder).sound_metrics().rows)
    with EventFiles(folder, done + 1) as events:
        yield events


def experiment_from(
    path: Path | None,
    preset: str | None,
    overrides: list[str] | None,
    also: Sequence[str] = (),
) -> "Experiment":
    """The experiment that a command line describes: the preset digits where it names nothing.

    Args:
        path: of the experiment's file.
        preset: its name.
        overrides: of single settings.
        also: settings that other options stand for.

    Raises:
        UsageError: if ``path`` is a file of samples, or its experiment is not possible.
    """
    from tifed.data import READERS
    from tifed.experiment import load_experiment

    if path is not None and path.suffix in READERS:
        raise UsageError(
            f"{path}: is a file of samples, not an experiment file; use --set dataset={path}"
        )
    if path is None and preset is None and not overrides:
        preset = "digits"
    return load_experiment(path, preset=preset, overrides=[*(overrides or ()), *also])


def folder_to_resume(folder: Path, *others: object) -> Path:
    """The folder of a run to go on with.

    Args:
        folder: of the run.
        others: options that would change what is run.

    Raises:
        UsageError: if there is no run in it, or one of ``others`` is given.
    """
    from tifed.experiment import RunFolder

    if any(other is not None and other != [] for other in others):
        raise UsageError("--resume: takes a run's folder, and neither an experiment nor settings")
    RunFolder(folder).require()
    return folder


def new_folder(experiment: "Experiment", suffix: str = "") -> Path:
    """A folder in runs/ that is named for ``experiment`` and not there yet."""
    from tifed.experiment import free_folder

    learner = experiment.baseline or experiment.recipe
    name = f"{Path(experiment.dataset).stem}-{learner}-{experiment.mode}{suffix}"
    return free_folder(Path("runs"), name)
