"""What ^C ends a run with: where it stopped, and the command that goes on with it."""

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console

EXIT_CODE = 130
"""What a shell gives a program that ^C has ended."""


def needed_again(data_dir: Path | None, tensorboard: bool) -> list[str]:
    """Options that commands share and that a run goes on with, as they have to be typed."""
    options = [] if data_dir is None else ["--data-dir", str(data_dir)]
    return [*options, "--tensorboard"] if tensorboard else options


@contextmanager
def stopped_by_hand(
    messages: Console, folder: Path, command: Sequence[str], options: Sequence[str]
) -> Iterator[None]:
    """Say where a run stopped that ^C ends.

    Args:
        messages: where to.
        folder: of the run.
        command: that runs it, such as ``tifed run``.
        options: of the command that are needed again.

    Raises:
        typer.Exit: with `EXIT_CODE`, instead of KeyboardInterrupt.
    """
    try:
        yield
    except KeyboardInterrupt:
        said = _words(folder, command, options)
        messages.print(said, markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(EXIT_CODE) from None


def _words(folder: Path, command: Sequence[str], options: Sequence[str]) -> str:
    """Where the run in ``folder`` stopped, from its files."""
    from tifed.experiment import RunFolder
    from tifed.federation.checkpoint_file import checkpoint_files, round_of

    run = RunFolder(folder)
    if not run.experiment.is_file():
        return "stopped before the run began; nothing was written"
    files = checkpoint_files(run.checkpoints)
    where = f"after round {round_of(files[0])}" if files else "before the end of its first round"
    again = shlex.join([*command, "--resume", str(folder), *options])
    return f"stopped {where}; go on with\n{again}"
