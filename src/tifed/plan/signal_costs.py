"""Instructions, flash, stack and RAM of signal front ends on a kind of core."""

from tifed.board import Core
from tifed.board.measured_motion import MotionRuns
from tifed.plan.figure import Figure, Source
from tifed.plan.fit import Known, estimated
from tifed.plan.front_end_costs import BELOW
from tifed.rule.signal import SignalFrontEnd
from tifed.rule.signal.motion import MotionFrontEnd

CODE = 2_560
"""Bytes of the code of the motion front end where it was not compiled for a core."""

STREAM = 20
"""Bytes of a ``tifed_motion_stream`` on a 32-bit device."""


def signal_room(signal: SignalFrontEnd) -> int:
    """Bytes of RAM that it takes, the features of a sample included."""
    stream = STREAM if isinstance(signal, MotionFrontEnd) else 0  # others count it as their own
    return signal.memory + stream + signal.features


def motion_operations(front_end: MotionFrontEnd) -> tuple[int, ...]:
    """Readings of axes, vectors whose length is formed, products of axes, features, windows."""
    window = front_end.window
    return (
        front_end.axes * window,
        front_end.magnitudes * window,
        len(front_end.pairs) * window,
        front_end.features,
        1,
    )


def motion_instructions(
    kind: str, core: Core, front_end: MotionFrontEnd, measured: MotionRuns
) -> Figure:
    """Instructions of one window: the measured ones if exactly this one was measured.

    Elsewhere the measurements of the core are fitted. A core without measurements pays for a
    reading what it pays for updating 30 parameters, and for a product of two axes as for two.
    """
    counts = motion_operations(front_end)
    shape = (front_end.axes, front_end.window)
    known = [
        Known((row.axes, row.window) == shape, motion_operations(row.made), row.instructions)
        for row in measured.of(kind)
    ]
    otherwise = (30 * (counts[0] + counts[1]) + 2 * counts[2]) * core.per_parameter
    return estimated(known, counts, otherwise)


def motion_code(kind: str, measured: MotionRuns) -> Figure:
    """Bytes of flash of its functions."""
    code = max((row.code for row in measured.of(kind)), default=0)
    return Figure(code, Source.MEASURED) if code else Figure(CODE, Source.MODELLED)


def motion_stack(kind: str, measured: MotionRuns) -> int:
    """Most bytes of stack of a firmware while it computes; 0 where none was measured."""
    deepest = max((row.stack for row in measured.of(kind)), default=0)
    return deepest + BELOW if deepest else 0
