"""Measure the front end of a motion sensor on emulated processors, its instructions counted.

    python -m tifed.plan.measure_motion [FOLDER]

writes the table of every processor (by default into the package): of several windows, from which
`tifed plan` estimates any other one.
"""

import sys
from pathlib import Path

from tifed.board.firmware import EMULATED_PROCESSORS
from tifed.board.measured import BUILT_IN
from tifed.board.measured_motion import MotionRun, MotionRuns, write_motion_runs
from tifed.plan.bare_motion import run_bare
from tifed.plan.measure import compiler_version
from tifed.rule.signal.motion import MotionFrontEnd

COMMAND = "python -m tifed.plan.measure_motion"

SHAPES = ((6, 128), (6, 256), (3, 128), (3, 64), (1, 128), (9, 100))
"""Axes and times of windows."""


def measure_one(front_end: MotionFrontEnd, processor: str) -> MotionRun:
    """One window of noise on ``processor``.

    Raises:
        RunError: if the processor computes something else than this machine.
    """
    ran, code = run_bare(front_end, processor)
    return MotionRun(
        core=processor, axes=front_end.axes, window=front_end.window,
        instructions=ran.instructions, stack=ran.stack, code=code,
        compiler=compiler_version("zig"), command=COMMAND, digest=front_end.digest,
    )  # fmt: skip


def main() -> None:
    """Measure, print, write."""
    rows = []
    for processor in EMULATED_PROCESSORS:
        for axes, window in SHAPES:
            row = measure_one(MotionFrontEnd(axes, window), processor)
            rows.append(row)
            print(
                f"{processor}: {window} times of {axes} axes: {row.instructions:,} instructions, "
                f"stack {row.stack}, code {row.code}",
                flush=True,
            )
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(str(BUILT_IN))
    write_motion_runs(folder, MotionRuns(rows=tuple(rows)))


if __name__ == "__main__":
    main()
