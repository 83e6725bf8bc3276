"""What making shift copies takes on a device, beside the front end that each goes through."""

from collections.abc import Mapping

from tifed.plan.figure import Figure, Source
from tifed.rule.front_end import FrontEnd, front_end_memory

PER_VALUE = 22.0
"""Instructions for a value of a picture, on any core: it is copied, and made an input once more."""

PER_VISIT = 800.0
"""Instructions for choosing the copy, and for each row."""

CODE = 1_024
"""Bytes of code, the front end's apart."""

KNOWN = 28
"""Bytes of a ``tifed_shifts`` on a 32-bit device."""


def shift_instructions(shape: tuple[int, int, int]) -> Figure:
    """Instructions of one copy of a picture of ``shape``.

    Modelled from emulated processors with pictures of 8x8 and 20x20 pixels, which
    ``tests/plan/test_shift_costs.py`` holds.
    """
    height, width, channels = shape
    return Figure(round(PER_VISIT + PER_VALUE * height * width * channels), Source.MODELLED)


def shift_ram(
    shape: tuple[int, int, int], front_end: FrontEnd | None, buffer: int
) -> Mapping[str, Figure]:
    """Bytes of RAM: the raw pictures of the buffer, and room for making a copy."""
    height, width, channels = shape
    room = KNOWN
    if front_end is not None:
        room += front_end_memory(front_end).total + width * channels
    return {
        "pictures": Figure(buffer * height * width * channels, Source.COMPUTED),
        "shift copies": Figure(room, Source.COMPUTED),
    }
