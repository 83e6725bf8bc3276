"""What the front end of a motion sensor was measured to take on emulated processors.

`motion.csv` is written by the measuring program alone, whole, as `images.csv` is.
"""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from tifed.board.measured import BUILT_IN, Entry, Table, require_of_today
from tifed.files.table_file import read_table, write_table
from tifed.rule.signal.motion import MotionFrontEnd

_FILE = "motion.csv"


class MotionRun(Entry):
    """One window.

    Attributes:
        axes: readings at a time.
        window: times.
        instructions: executed from the window's first reading to its last feature, of noise.
        stack: bytes of stack of the front end's own functions, found by painting.
        code: bytes of flash that its functions take, division included where the processor has
            none.
        compiler: name and version.
        command: that measured it.
        digest: of the front end that was measured. One that computes something else today is so
            found out.
    """

    axes: int
    window: int
    instructions: int = Field(ge=1)
    stack: int = Field(ge=1)
    code: int = Field(ge=1)
    compiler: str = Field(min_length=1)
    command: str = Field(min_length=1)
    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]

    @property
    def made(self) -> MotionFrontEnd:
        """The front end."""
        return MotionFrontEnd(self.axes, self.window)

    @model_validator(mode="after")
    def _is_about_a_front_end_of_today(self) -> Self:
        require_of_today(
            self.digest, lambda: self.made.digest, "the front end 'motion'", self.command
        )
        return self


class MotionRuns(Table[MotionRun]):
    """Everything in the file."""


def load_motion_runs(folder: Path | None = None) -> MotionRuns:
    """The measurements that ship with the package, or those in ``folder``.

    Raises:
        UsageError: naming the file, the line and the column that are wrong.
    """
    return MotionRuns(rows=read_table((folder or BUILT_IN) / _FILE, MotionRun))


def write_motion_runs(folder: Path, measured: MotionRuns) -> None:
    """Write the table into ``folder``, whole.

    Raises:
        UsageError: if the folder cannot be written.
    """
    write_table(folder / _FILE, MotionRun, measured.rows)
