"""Live progress of many runs on a terminal, plain lines elsewhere; always on standard error."""

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from tifed.studies import SweepProgress


class SweepBar:
    """Runs done, and how long the rest may take: live on a terminal, plain lines elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            TextColumn("run"),
            MofNCompleteColumn(),
            BarColumn(),
            TextColumn("{task.description}"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=None)

    def __enter__(self) -> "SweepBar":
        """Start drawing."""
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop drawing."""
        self._bar.stop()

    def update(self, progress: "SweepProgress[Any]") -> None:
        """Show the run that has just ended; its outcome has an ``accuracy``."""
        said = f"{progress.cached} kept from before" if progress.cached else ""
        if progress.trial is not None and progress.outcome is not None:
            said = f"{progress.trial.name}: {progress.outcome.accuracy:.4f}"
        self._bar.update(
            self._task, total=progress.total, completed=progress.done, description=said
        )
        if not self._console.is_terminal and said:
            self._console.print(
                f"run {progress.done}/{progress.total}  {said}", markup=False, soft_wrap=True
            )
