"""Instructions, flash and stack of a front end on a kind of core."""

from dataclasses import astuple

from tifed.board import Core
from tifed.board.measured_front_end import FrontEndRuns
from tifed.plan.figure import Figure, Source
from tifed.plan.fit import Known, estimated
from tifed.rule.front_end import FrontEnd, front_end_memory, front_end_operations

CODE = 3_072
"""Bytes of a front end's code and table where it was not compiled for a core."""

STREAM = 68
"""Bytes of a ``tifed_front_end_stream`` on a 32-bit device."""

BELOW = 184
"""Bytes of stack that the firmware has in use when it gives a piece of a sample to a front end: the
most that leaves an emulated firmware's whole stack as it was measured, and not below it."""


def front_end_instructions(
    kind: str, core: Core, front_end: FrontEnd, measured: FrontEndRuns
) -> Figure:
    """Instructions of one sample: the measured ones if exactly this front end was measured.

    Elsewhere the measurements of the core are fitted: so much for a value, a row, a pixel, a cell
    and a direction. A core without measurements pays for a pixel, and for a direction of a cell,
    what it pays for updating two parameters.
    """
    counts = front_end_operations(front_end)
    known = [
        Known(
            row.digest == front_end.digest,
            astuple(front_end_operations(row.made)),
            row.instructions,
        )
        for row in measured.of(kind)
    ]
    otherwise = 2 * (counts.pixels + counts.products) * core.per_parameter
    return estimated(known, astuple(counts), otherwise)


def front_end_room(front_end: FrontEnd) -> int:
    """Bytes of RAM that a front end takes beside the features, with where it is in a picture."""
    return front_end_memory(front_end).total + STREAM


def front_end_code(kind: str, front_end: FrontEnd, measured: FrontEndRuns) -> Figure:
    """Bytes of flash of a front end's functions and table."""
    second = front_end.parts.second_order
    rows = (row for row in measured.of(kind) if row.made.parts.second_order == second)
    code = max((row.code for row in rows), default=0)
    return Figure(code, Source.MEASURED) if code else Figure(CODE, Source.MODELLED)


def front_end_stack(kind: str, measured: FrontEndRuns) -> int:
    """Most bytes of stack of a firmware while a front end computes; 0 where none was measured."""
    deepest = max((row.stack for row in measured.of(kind)), default=0)
    return deepest + BELOW if deepest else 0
