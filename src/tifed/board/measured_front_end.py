"""What front ends were measured to take on emulated processors.

`front_ends.csv` is written by the measuring program alone, whole, as `images.csv` is.
"""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from tifed.board.measured import BUILT_IN, Entry, Table, require_of_today
from tifed.files.table_file import Shape, read_table, write_table
from tifed.rule.front_end import FrontEnd

_FILE = "front_ends.csv"


class FrontEndRun(Entry):
    """One sample through one front end.

    Attributes:
        front_end: its name.
        shape: height, width and channels of the sample.
        instructions: executed from the sample's first value to its last feature, of noise, which
            is the most work.
        stack: bytes of stack of the front end's own functions, found by painting.
        code: bytes of flash that its functions and its table take, division included where the
            processor has none.
        compiler: name and version.
        command: that measured it.
        digest: of the front end that was measured. One that computes something else today is so
            found out.
    """

    front_end: str = Field(min_length=1)
    shape: Shape
    instructions: int = Field(ge=1)
    stack: int = Field(ge=1)
    code: int = Field(ge=1)
    compiler: str = Field(min_length=1)
    command: str = Field(min_length=1)
    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]

    @property
    def made(self) -> FrontEnd:
        """The front end."""
        height, width, channels = self.shape
        return FrontEnd(self.front_end, (height, width, channels))

    @model_validator(mode="after")
    def _is_about_a_front_end_of_today(self) -> Self:
        if len(self.shape) != 3:
            raise ValueError(f"shape: {self.shape} is not a height, a width and channels")
        require_of_today(
            self.digest, lambda: self.made.digest, f"the front end {self.front_end!r}", self.command
        )
        return self


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
