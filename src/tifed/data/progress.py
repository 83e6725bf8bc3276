"""A progress line for downloads, on standard error, only where a person watches."""

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn


class DownloadProgress:
    """What pooch expects of a progress bar, drawn by Rich.

    Attributes:
        total: bytes to come, 0 if the server did not say.
    """

    def __init__(self, name: str) -> None:
        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._task = self._progress.add_task(f"Downloading {name}", total=None)
        self._total = 0

    @property
    def total(self) -> int:
        """Bytes to come."""
        return self._total

    @total.setter
    def total(self, count: int) -> None:
        self._total = count
        self._progress.update(self._task, total=count or None)
        self._progress.start()

    def update(self, count: int) -> None:
        """``count`` more bytes have come."""
        self._progress.update(self._task, advance=count)

    def reset(self) -> None:
        """Back to none; pooch does so before it fills the bar."""
        self._progress.reset(self._task, total=self._total or None)

    def close(self) -> None:
        """Take the bar away."""
        self._progress.stop()
