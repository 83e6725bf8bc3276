"""Measure the front ends of sensors on emulated processors, their instructions counted.

    python -m tifed.plan.measure_signal [FOLDER]

writes the table of every processor (by default into the package): of several windows of a motion
sensor and several recordings of sound, from which `tifed plan` estimates any other one.
"""

import sys
from pathlib import Path

from tifed.board.firmware import EMULATED_PROCESSORS
from tifed.board.measured import BUILT_IN
from tifed.board.measured_signal import SignalRun, SignalRuns, shape_of, write_signal_runs
from tifed.plan.bare_signal import run_bare
from tifed.plan.measure import compiler_version
from tifed.rule.signal import SignalFrontEnd
from tifed.rule.signal.log_mel import LogMel
from tifed.rule.signal.motion import MotionFrontEnd

COMMAND = "python -m tifed.plan.measure_signal"

WINDOWS = ((6, 128), (6, 256), (3, 128), (3, 64), (1, 128), (9, 100))
"""Axes and times of windows of a motion sensor."""
RECORDINGS = ((1, None), (8, None), (98, None), (226, None), (98, 32), (49, 16))
"""Frames, and rows of a picture if it is one: a second has 98, the longest spoken digit 226."""
FRONT_ENDS: tuple[SignalFrontEnd, ...] = (
    *(MotionFrontEnd(axes, window) for axes, window in WINDOWS),
    *(LogMel(rows, frames) for frames, rows in RECORDINGS),
)
"""What is measured."""


def measure_one(front_end: SignalFrontEnd, processor: str) -> SignalRun:
    """One sample of noise on ``processor``.

    Raises:
        RunError: if the processor computes something else than this machine.
    """
    ran, code = run_bare(front_end, processor)
    return SignalRun(
        core=processor, front_end=front_end.name, shape=shape_of(front_end),
        instructions=ran.instructions, stack=ran.stack, code=code,
        compiler=compiler_version("zig"), command=COMMAND, digest=front_end.digest,
    )  # fmt: skip


def main() -> None:
    """Measure, print, write."""
    rows = []
    for processor in EMULATED_PROCESSORS:
        for front_end in FRONT_ENDS:
            row = measure_one(front_end, processor)
            rows.append(row)
            print(
                f"{processor}: {row.front_end} of {'-'.join(map(str, row.shape))}: "
                f"{row.instructions:,} instructions, stack {row.stack}, code {row.code}",
                flush=True,
            )
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(str(BUILT_IN))
    write_signal_runs(folder, SignalRuns(rows=tuple(rows)))


if __name__ == "__main__":
    main()
