"""A front end as constants in C, for flash: `tifed_experiment_front_end`."""

from tifed.rule.front_end import FrontEnd, front_end_memory

DEVICE_SWITCH = "TIFED_DEVICE_FRONT_END"
"""What ``device.h`` is compiled with where samples go through a front end."""


def front_end_constants(front_end: FrontEnd) -> str:
    """The front end, and how much memory it needs for the rows that it looks back at."""
    height, width, channels = front_end.input_shape
    parts = front_end.parts
    second_order = "#define TIFED_FRONT_END_SECOND_ORDER 1\n" if parts.second_order else ""
    return f"""\
#include "tifed_second_order.h"

#define {DEVICE_SWITCH} 1
/* SHA-256 {front_end.digest} */
#define TIFED_FRONT_END_ROWS {front_end_memory(front_end).total}u
{second_order}static const tifed_front_end tifed_experiment_front_end = {{
    .height = {height},
    .width = {width},
    .channels = {channels},
    .directions = {parts.directions},
    .merged = {"true" if parts.merged else "false"},
}};
"""
