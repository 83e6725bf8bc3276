"""What signal front ends were measured to take on emulated processors.

`signals.csv` is written by the measuring program alone, whole, as `images.csv` is.
"""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from tifed.board.measured import BUILT_IN, Entry, Table, require_of_today
from tifed.files.table_file import Shape, read_table, write_table
from tifed.rule.signal import SignalFrontEnd
from tifed.rule.signal.log_mel import LogMel
from tifed.rule.signal.motion import MotionFrontEnd

_FILE = "signals.csv"


class SignalRun(Entry):
    """One sample of readings.

    Attributes:
        front_end: its name.
        shape: see `shape_of`.
        instructions: executed from the sample's first reading to its last feature, of noise.
        stack: bytes of stack of the front end's own functions, found by painting.
        code: bytes of flash that its functions and tables take, division included where the
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
    def made(self) -> SignalFrontEnd:
        """The front end."""
        match self.front_end, self.shape:
            case MotionFrontEnd.name, (axes, window):
                return MotionFrontEnd(axes, window)
            case LogMel.name, (frames,):
                return LogMel(frames=frames)
            case LogMel.name, (frames, rows):
                return LogMel(rows, frames)
        raise ValueError(f"front_end: {self.front_end!r} has no shape {self.shape}")

    @model_validator(mode="after")
    def _is_about_a_front_end_of_today(self) -> Self:
        require_of_today(
            self.digest, lambda: self.made.digest, f"the front end {self.front_end!r}", self.command
        )
        return self


def shape_of(signal: SignalFrontEnd) -> tuple[int, ...]:
    """The sizes that decide what a sample costs.

    Of a motion sensor axes and times of a window; of sound the frames of the longest recording, and
    the rows if a sample is a picture.
    """
    match signal:
        case MotionFrontEnd():
            return (signal.axes, signal.window)
        case LogMel(rows=None):
            return (signal.frames,)
        case LogMel(rows=int(rows)):
            return (signal.frames, rows)
    return ()


class SignalRuns(Table[SignalRun]):
    """Everything in the file."""

    def about(self, kind: str, signal: SignalFrontEnd | None) -> tuple[SignalRun, ...]:
        """What was measured on a kind of core of front ends of the same name."""
        return tuple(row for row in self.of(kind) if signal and row.front_end == signal.name)


def load_signal_runs(folder: Path | None = None) -> SignalRuns:
    """The measurements that ship with the package, or those in ``folder``.

    Raises:
        UsageError: naming the file, the line and the column that are wrong.
    """
    return SignalRuns(rows=read_table((folder or BUILT_IN) / _FILE, SignalRun))


def write_signal_runs(folder: Path, measured: SignalRuns) -> None:
    """Write the table into ``folder``, whole.

    Raises:
        UsageError: if the folder cannot be written.
    """
    write_table(folder / _FILE, SignalRun, measured.rows)
