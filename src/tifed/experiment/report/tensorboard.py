"""TensorBoard event files, written while a run goes on: ``tensorboard --logdir runs``.

Needs the extra ``tifed[tensorboard]``; TensorBoard itself may be anywhere that reads the folder.
"""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from tifed.errors import UsageError

if TYPE_CHECKING:
    from tifed.experiment import Progress

FOLDER = "tensorboard"
"""In a run folder: its event files."""


class EventFiles:
    """A run's numbers per round, on the disk about a second after the round has ended.

    The names are the columns of ``metrics.csv``. A run that goes on adds a file; TensorBoard shows
    its rounds in place of those that a killed run has written beyond its last checkpoint.
    """

    def __init__(self, run: Path, first_round: int = 1) -> None:
        """Write below the folder ``run``, from ``first_round`` on.

        Raises:
            UsageError: if the extra is not installed.
        """
        if find_spec("tensorboardX") is None:
            raise UsageError("tensorboard: not installed; pip install 'tifed[tensorboard]'")
        from tensorboardX import SummaryWriter

        self._writer = SummaryWriter(str(run / FOLDER), purge_step=first_round, flush_secs=1)

    def __enter__(self) -> Self:
        """Nothing more to do."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self.close()

    def watch(self, progress: "Progress") -> None:
        """A round as a watcher of `tifed.run` is told of it."""
        self.watch_row(progress.row.columns())

    def watch_row(self, row: Mapping[str, str]) -> None:
        """A round as a line of ``metrics.csv``; a number that was not measured is left out."""
        number = int(row["round"])
        for name, text in row.items():
            if text and name != "round":
                self._writer.add_scalar(name, float(text), number)

    def close(self) -> None:
        """Close the file; calling it again does nothing."""
        self._writer.close()
