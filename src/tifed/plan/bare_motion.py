"""The front end of a motion sensor alone on an emulated processor, its instructions counted."""

import tempfile
from pathlib import Path

import numpy as np

from tifed.board.firmware.build import CORE
from tifed.errors import RunError
from tifed.plan.bare_program import Ran, compiled
from tifed.rule.signal.motion import MotionFrontEnd

PROGRAM = """\
#include "tifed_motion.h"
static const tifed_motion motion = {%(axes)d, %(window)d, %(window)d, 0};
int16_t sample[%(axes)d * %(window)d], scratch[%(memory)d / 2];
int8_t features[%(features)d];
int start(void);
int start(void)
{
    tifed_motion_stream stream;
    int status = tifed_motion_begin(&stream, &motion, false, scratch, sizeof scratch);
    for (unsigned t = 0; status >= 0 && t < %(window)d; t++)
        status = tifed_motion_put(&stream, sample + %(axes)d * t);
    return status ? status : tifed_motion_window(&stream, features);
}
"""


def run_bare(front_end: MotionFrontEnd, processor: str) -> tuple[Ran, int]:
    """One window of noise, from its first reading to its last feature, and bytes of code.

    Raises:
        RunError: if the processor computes something else than this machine.
    """
    numbers = {
        "axes": front_end.axes, "window": front_end.window, "memory": front_end.memory,
        "features": front_end.features,
    }  # fmt: skip
    shape = (front_end.window, front_end.axes)
    readings = np.random.default_rng(1).integers(-9000, 9000, shape).astype("<i2")
    wanted = front_end.compute(readings.astype(np.int16)).tobytes()
    with tempfile.TemporaryDirectory() as folder:
        program = compiled(
            Path(folder), processor, PROGRAM % numbers, [CORE / "tifed_motion.c"], [],
        )  # fmt: skip
        ran = program.run({"sample": readings.tobytes()}, {"features": len(wanted)})
        if ran.content["features"] != wanted:
            raise RunError(f"motion: {processor} computes other features than here")
        return ran, program.image.code
