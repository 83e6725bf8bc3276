"""``tifed run``: run an experiment, or go on with one."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from tifed.cli.interrupted import needed_again, stopped_by_hand
from tifed.cli.options import (
    DataDir,
    ExperimentFile,
    Json,
    Overrides,
    Preset,
    Resume,
    RunOut,
    TensorBoard,
    event_files,
    experiment_from,
    folder_to_resume,
    new_folder,
)
from tifed.cli.result import show_result

if TYPE_CHECKING:
    from tifed.experiment import Progress


def run(
    experiment: ExperimentFile = None,
    preset: Preset = None,
    settings: Overrides = None,
    out: RunOut = None,
    resume: Resume = None,
    tensorboard: TensorBoard = False,
    board: Annotated[
        str | None,
        typer.Option(help="Run on emulated devices with this processor, such as cortex-m4."),
    ] = None,
    emulator: Annotated[
        str | None,
        typer.Option(help="Run on devices emulated by unicorn (in this process) or qemu."),
    ] = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Run an experiment, or continue one, and write the results into a folder.

    Without arguments it runs the preset *digits*, whose data come with scikit-learn. *--board* and
    *--emulator* run it on emulated microcontrollers; they stand for *--set fleet=emulated* together
    with *--set board=...* and *--set emulator=...*.

    The folder holds experiment.toml (every setting), metrics.csv (a row per round),
    model.safetensors, checkpoints, accuracy.svg and report.html. A run that was interrupted, by ^C
    or a power cut, continues with *--resume* and ends with the same digest as one that was not.
    """
    from tifed import experiment as runs
    from tifed.cli.progress import RunProgress
    from tifed.cli.service import ending_in_order
    from tifed.experiment.report import write_report

    emulated = [
        f"{key}={value}"
        for key, value in (("board", board), ("emulator", emulator))
        if value is not None
    ]
    messages = Console(stderr=True, highlight=False)
    if resume is not None:
        folder = folder_to_resume(resume, experiment, preset, settings, emulated, out)
    else:
        also = ["fleet=emulated", *emulated] if emulated else []
        chosen = experiment_from(experiment, preset, settings, also)
        folder = out or new_folder(chosen)
    again = needed_again(data_dir, tensorboard)
    with (
        ending_in_order(),  # else emulators outlive it
        stopped_by_hand(messages, folder, ["tifed", "run"], again),
        RunProgress(messages) as progress,
        event_files(folder, tensorboard) as events,
    ):

        def watch(round_done: "Progress") -> None:
            progress.update(round_done)
            if events is not None:
                events.watch(round_done)

        if resume is not None:
            result = runs.resume(folder, data_dir=data_dir, watch=watch, warn=progress.warn)
        else:
            result = runs.run(
                chosen, out=folder, data_dir=data_dir, watch=watch, warn=progress.warn
            )
        write_report(folder)
    show_result(result, folder, as_json)
