"""What signal front ends were measured to take on emulated processors.

`signals.csv` is written by the measuring program alone, whole, as `images.csv` is.
"""

from pathlib import Path

from tifed.board.measured import BUILT_IN, SampleRun, Table
from tifed.files.table_file import read_table, write_table
from tifed.rule.signal import SignalFrontEnd
from tifed.rule.signal.log_mel import LogMel
from tifed.rule.signal.motion import MotionFrontEnd

_FILE = "signals.csv"


class SignalRun(SampleRun):
    """One sample of readings; its shape is that of `shape_of`."""

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
