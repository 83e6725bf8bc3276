"""What front ends were measured to take on emulated processors.

`front_ends.csv` is written by the measuring program alone, whole, as `images.csv` is.
"""

from pathlib import Path

from tifed.board.measured import BUILT_IN, SampleRun, Table
from tifed.files.table_file import read_table, write_table
from tifed.rule.front_end import FrontEnd

_FILE = "front_ends.csv"


class FrontEndRun(SampleRun):
    """One sample through one front end; its shape is height, width and channels."""

    @property
    def made(self) -> FrontEnd:
        """The front end."""
        if len(self.shape) != 3:
            raise ValueError(f"shape: {self.shape} is not a height, a width and channels")
        height, width, channels = self.shape
        return FrontEnd(self.front_end, (height, width, channels))


class FrontEndRuns(Table[FrontEndRun]):
    """Everything in the file."""


def load_front_end_runs(folder: Path | None = None) -> FrontEndRuns:
    """The measurements that ship with the package, or those in ``folder``.

    Raises:
        UsageError: naming the file, the line and the column that are wrong.
    """
    return FrontEndRuns(rows=read_table((folder or BUILT_IN) / _FILE, FrontEndRun))


def write_front_end_runs(folder: Path, measured: FrontEndRuns) -> None:
    """Write the table into ``folder``, whole.

    Raises:
        UsageError: if the folder cannot be written.
    """
    write_table(folder / _FILE, FrontEndRun, measured.rows)
