"""Live progress of many runs on a terminal, plain lines elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from tifed.studies import SweepProgress


@contextmanager
def sweep_bar(console: Console) -> "Iterator[Callable[[SweepProgress[Any]], None]]":
    """What to tell of a sweep whose outcomes have an ``accuracy``; shows the time left as well."""
    columns = (
        TextColumn("run"), MofNCompleteColumn(), BarColumn(), TextColumn("{task.description}"),
        TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)

        def show(progress: "SweepProgress[Any]") -> None:
            said = f"{progress.cached} kept from before" if progress.cached else ""
            if progress.trial is not None and progress.outcome is not None:
                said = f"{progress.trial.name}: {progress.outcome.accuracy:.4f}"
            bar.update(task, total=progress.total, completed=progress.done, description=said)
            if not console.is_terminal and said:
                console.print(
                    f"run {progress.done}/{progress.total}  {said}", markup=False, soft_wrap=True
                )

        yield show
