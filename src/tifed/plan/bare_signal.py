"""The front end of a sensor alone on an emulated processor, its instructions counted."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tifed.board.firmware.build import CORE
from tifed.errors import RunError
from tifed.plan.bare_program import Ran, compiled
from tifed.rule.signal import SignalFrontEnd
from tifed.rule.signal.log_mel import LogMel
from tifed.rule.signal.log_mel_frames import HOP
from tifed.rule.signal.log_mel_tables import WINDOW
from tifed.rule.signal.motion import MotionFrontEnd

OF_MOTION = """\
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

OF_SOUND = """\
#include "tifed_log_mel.h"
int16_t sample[%(samples)d];
int8_t features[%(features)d];
int start(void);
static int16_t frames[%(frames)d * TIFED_LOG_MEL_BANDS];
static tifed_log_mel stream;
int start(void)
{
    int status = tifed_log_mel_begin(&stream, frames, %(frames)d);
    for (uint32_t first = 0; !status && first < %(samples)d; first += %(piece)d)
        status = tifed_log_mel_put(&stream, sample + first,
                                   %(samples)d - first < %(piece)d ? %(samples)d - first
                                                                   : %(piece)d);
    return status ? status : %(end)s;
}
"""
PIECE = 160
"""Samples that a microphone's buffer holds: 20 ms."""


@dataclass(frozen=True)
class _Bare:
    """A program with what it is given, and its sources for speed and for size."""

    program: str
    readings: NDArray[np.int16]
    fast: tuple[Path, ...]
    small: tuple[Path, ...]


def run_bare(front_end: SignalFrontEnd, processor: str) -> tuple[Ran, int]:
    """One sample of noise, from its first reading to its last feature, and bytes of code.

    Raises:
        RunError: if the processor computes something else than this machine.
    """
    bare = _of_sound(front_end) if isinstance(front_end, LogMel) else _of_motion(front_end)
    wanted = front_end.compute(bare.readings).tobytes()
    with tempfile.TemporaryDirectory() as folder:
        program = compiled(Path(folder), processor, bare.program, bare.fast, bare.small)
        given = {"sample": bare.readings.astype("<i2").tobytes()}
        ran = program.run(given, {"features": len(wanted)})
        if ran.content["features"] != wanted:
            raise RunError(f"{front_end.name}: {processor} computes other features than here")
        return ran, program.image.code


def _of_motion(front_end: SignalFrontEnd) -> _Bare:
    """A window."""
    if not isinstance(front_end, MotionFrontEnd):
        raise RunError(f"there is no program that measures the front end {front_end.name!r}")
    numbers = {
        "axes": front_end.axes, "window": front_end.window, "memory": front_end.memory,
        "features": front_end.features,
    }  # fmt: skip
    readings = _noise((front_end.window, front_end.axes))
    return _Bare(OF_MOTION % numbers, readings, (CORE / "tifed_motion.c",), ())


def _of_sound(front_end: LogMel) -> _Bare:
    """A recording as long as there is room for, in pieces."""
    samples = WINDOW + HOP * (front_end.frames - 1)
    end = "tifed_log_mel_end(&stream, features)"
    if front_end.rows is not None:
        end = f"tifed_log_mel_end_picture(&stream, features, {front_end.rows})"
    numbers = {
        "samples": samples, "frames": front_end.frames, "features": front_end.features,
        "piece": PIECE, "end": end,
    }  # fmt: skip
    fast, small = (CORE / "tifed_kernel_log_mel.c",), (CORE / "tifed_log_mel.c",)
    return _Bare(OF_SOUND % numbers, _noise((samples, 1)), fast, small)


def _noise(shape: tuple[int, int]) -> NDArray[np.int16]:
    """Readings of a sensor that is shaken, or hears hiss."""
    return np.random.default_rng(1).integers(-9000, 9000, shape).astype(np.int16)
