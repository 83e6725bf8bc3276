"""A signal front end as constants in C, for boards that make samples of readings themselves."""

from collections.abc import Callable

from tifed.rule.signal import SignalFrontEnd
from tifed.rule.signal.log_mel import LogMel
from tifed.rule.signal.motion import MotionFrontEnd

SIGNAL_SWITCH = "TIFED_DEVICE_SIGNAL"
"""What the generated header defines where a board plays recordings through a signal front end."""


def has_signal(signal: SignalFrontEnd | None) -> bool:
    """Whether the firmware computes this front end."""
    return type(signal) in _CONSTANTS


def signal_constants(signal: SignalFrontEnd) -> str:
    """`tifed_experiment_signal`, a ``tifed_device_signal``, and the memory that it works with.

    >>> "{6u, 128u, 50u, 0x31u}" in signal_constants(MotionFrontEnd(6, 128, (0, 4, 5), hop=50))
    True
    """
    return f"#define {SIGNAL_SWITCH} 1\n{_CONSTANTS[type(signal)](signal)}"


def _motion(motion: MotionFrontEnd) -> str:
    mask = sum(1 << axis for axis in motion.mirrored)
    return f"""\
#include "signal_motion.h"

/* SHA-256 {motion.digest} */
static const tifed_motion experiment_motion = \
{{{motion.axes}u, {motion.window}u, {motion.hop}u, 0x{mask:X}u}};
static int16_t experiment_ring[TIFED_MOTION_BYTES({motion.axes}u, {motion.window}u) / 2u];
static tifed_device_motion experiment_readings = {{
    .motion = &experiment_motion, .memory = experiment_ring, .bytes = sizeof experiment_ring}};
static const tifed_device_signal tifed_experiment_signal = {{
    &experiment_readings, {motion.axes}u, tifed_device_motion_begin, tifed_device_motion_put,
    tifed_device_motion_end}};
"""


def _log_mel(sound: LogMel) -> str:
    return f"""\
#include "signal_log_mel.h"

/* SHA-256 {sound.digest} */
static int16_t experiment_energies[{sound.frames}u * TIFED_LOG_MEL_BANDS];
static tifed_device_sound experiment_sound = {{
    .energies = experiment_energies, .frames = {sound.frames}u, .rows = {sound.rows or 0}u}};
static const tifed_device_signal tifed_experiment_signal = {{
    &experiment_sound, 1u, tifed_device_sound_begin, tifed_device_sound_put,
    tifed_device_sound_end}};
"""


_CONSTANTS: dict[type, Callable[..., str]] = {MotionFrontEnd: _motion, LogMel: _log_mel}
