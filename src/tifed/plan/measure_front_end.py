"""Measure front ends: each alone on emulated processors, its instructions counted one by one.

    python -m tifed.plan.measure_front_end [FOLDER]

writes the table of every processor (by default into the package): of pictures of several sizes,
from which `tifed plan` estimates any other one.
"""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tifed.board.firmware import EMULATED_PROCESSORS
from tifed.board.measured import BUILT_IN
from tifed.board.measured_front_end import FrontEndRun, FrontEndRuns, write_front_end_runs
from tifed.plan.bare_front_end import bare_front_end
from tifed.plan.measure import compiler_version
from tifed.rule.front_end import EDGE_FRONT_ENDS, FrontEnd

COMMAND = "python -m tifed.plan.measure_front_end"

SHAPES = ((28, 28, 1), (8, 8, 1), (32, 32, 3), (13, 41, 1), (48, 20, 3), (64, 64, 1))
"""Pictures whose cost is measured: those of well-known data sets, odd, oblong, coloured, larger."""


def measure_one(front_end: FrontEnd, processor: str) -> FrontEndRun:
    """One sample of noise through ``front_end`` on ``processor``.

    Raises:
        RunError: if the processor computes something else than this machine.
    """
    with bare_front_end(front_end, processor) as image:
        ran = image.run(noise(front_end.input_features))
        return FrontEndRun(
            core=processor, front_end=front_end.name, shape=front_end.input_shape,
            instructions=ran.instructions, stack=ran.stack, code=image.code,
            compiler=compiler_version("zig"), command=COMMAND, digest=front_end.digest,
        )  # fmt: skip


def noise(length: int) -> NDArray[np.int8]:
    """A sample whose every pixel is an edge."""
    return np.random.default_rng(1).integers(-128, 128, length).astype(np.int8)


def main() -> None:
    """Measure, print, write."""
    rows = []
    for processor in EMULATED_PROCESSORS:
        for name in EDGE_FRONT_ENDS:
            for shape in SHAPES:
                row = measure_one(FrontEnd(name, shape), processor)
                rows.append(row)
                print(
                    f"{processor}: {name} of {'x'.join(map(str, shape))}: "
                    f"{row.instructions:,} instructions, stack {row.stack}, code {row.code}",
                    flush=True,
                )
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(str(BUILT_IN))
    write_front_end_runs(folder, FrontEndRuns(rows=tuple(rows)))


if __name__ == "__main__":
    main()
