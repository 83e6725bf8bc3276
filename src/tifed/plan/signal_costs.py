"""Instructions, flash, stack and RAM of signal front ends on a kind of core."""

from tifed.board import Core
from tifed.board.measured_signal import SignalRuns, shape_of
from tifed.plan.figure import Figure, Source
from tifed.plan.fit import Known, estimated
from tifed.plan.front_end_costs import BELOW
from tifed.rule.signal import SignalFrontEnd
from tifed.rule.signal.log_mel import LogMel
from tifed.rule.signal.motion import MotionFrontEnd

CODE = 2_560
"""Bytes of the code of a signal front end where it was not compiled for a core."""

STREAM = 20
"""Bytes of a ``tifed_motion_stream`` on a 32-bit device."""


def signal_room(signal: SignalFrontEnd) -> int:
    """Bytes of RAM that it takes, the features of a sample included."""
    stream = STREAM if isinstance(signal, MotionFrontEnd) else 0  # others count it as their own
    return signal.memory + stream + signal.features


def signal_operations(signal: SignalFrontEnd) -> tuple[int, ...]:
    """How often a sample makes a front end do each kind of thing.

    Of a motion sensor: readings of axes, vectors whose length is formed, products of axes,
    features, windows. Of sound: frames of the longest recording, features, recordings.
    """
    match signal:
        case MotionFrontEnd():
            window = signal.window
            return (
                signal.axes * window,
                signal.magnitudes * window,
                len(signal.pairs) * window,
                signal.features,
                1,
            )
        case LogMel():
            return (signal.frames, signal.features, 1)
    return ()


def signal_instructions(
    kind: str, core: Core, signal: SignalFrontEnd, measured: SignalRuns
) -> Figure:
    """Instructions of one sample: the measured ones if exactly this one was measured.

    Elsewhere the measurements of the core are fitted. A core without measurements pays for a
    reading of a motion sensor what it pays for updating 30 parameters, for a product of two axes as
    for two, and for a frame of sound as for 1,700.
    """
    counts = signal_operations(signal)
    known = [
        Known(row.shape == shape_of(signal), signal_operations(row.made), row.instructions)
        for row in measured.about(kind, signal)
    ]
    match signal:
        case MotionFrontEnd():
            updates = 30 * (counts[0] + counts[1]) + 2 * counts[2]
        case _:
            updates = 1_700 * sum(counts[:1])
    return estimated(known, counts, updates * core.per_parameter)


def signal_code(kind: str, signal: SignalFrontEnd, measured: SignalRuns) -> Figure:
    """Bytes of flash of its functions and tables."""
    code = max((row.code for row in measured.about(kind, signal)), default=0)
    return Figure(code, Source.MEASURED) if code else Figure(CODE, Source.MODELLED)


def signal_stack(kind: str, signal: SignalFrontEnd, measured: SignalRuns) -> int:
    """Most bytes of stack of a firmware while it computes; 0 where none was measured."""
    deepest = max((row.stack for row in measured.about(kind, signal)), default=0)
    return deepest + BELOW if deepest else 0
