"""Live progress of a run on a terminal, plain lines elsewhere; always on standard error."""

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tifed.experiment import Progress as RoundProgress

PLAIN_LINES = 20
"""About how many lines a run prints where there is no terminal."""


class RunProgress:
    """Shows round, accuracy, devices that answered, bytes per device up and down, and time left."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Progress | None = None
        if console.is_terminal:
            self._live = Progress(
                TextColumn("round"),
                MofNCompleteColumn(),
                BarColumn(),
                TextColumn("accuracy {task.fields[accuracy]}"),
                TextColumn("answered {task.fields[answered]}"),
                TextColumn("{task.fields[traffic]}"),
                TimeRemainingColumn(),
                console=console,
            )
            self._task = self._live.add_task(
                "run", total=None, accuracy="-", answered="-", traffic=""
            )

    def __enter__(self) -> "RunProgress":
        """Start drawing."""
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop drawing."""
        if self._live is not None:
            self._live.stop()

    def update(self, progress: RoundProgress) -> None:
        """Show the round that has just ended."""
        done = progress.record.round + 1
        costs, devices = progress.costs, progress.devices
        up, down = (_bytes(total // devices) for total in (costs.bytes_up, costs.bytes_down))
        traffic = f"up {up}, down {down} a device"
        answered = f"{len(progress.record.answered)}/{len(progress.record.asked)}"
        accuracy = "-" if progress.accuracy is None else f"{progress.accuracy:.4f}"
        if self._live is not None:
            self._live.update(
                self._task, total=progress.rounds, completed=done,
                accuracy=accuracy, answered=answered, traffic=traffic,
            )  # fmt: skip
        elif done == progress.rounds or done % max(1, progress.rounds // PLAIN_LINES) == 0:
            self._console.print(
                f"round {done}/{progress.rounds}  accuracy {accuracy}  answered {answered}  "
                f"{traffic}",
                soft_wrap=True,
            )

    def warn(self, message: str) -> None:
        """Show a warning above the progress."""
        self._console.print(f"warning: {message}", markup=False, soft_wrap=True)


def _bytes(count: int) -> str:
    """A number of bytes for people: ``318 kB``."""
    value, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:.0f} {unit}" if value >= 100 or unit == "B" else f"{value:.1f} {unit}"
