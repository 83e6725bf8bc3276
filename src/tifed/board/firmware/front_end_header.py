"""What becomes of samples as they arrive, as constants in C: a front end, shift copies."""

from tifed.rule.front_end import FrontEnd

DEVICE_SWITCH = "TIFED_DEVICE_FRONT_END"
"""What ``device.h`` is compiled with where samples are not simply kept as they arrive."""


def intake_constants(front_end: FrontEnd | None, shifts: tuple[int, int, int] | None) -> str:
    """`tifed_experiment_front_end`, if there is one, and the size of pictures to be shifted."""
    parts = [] if front_end is None else [front_end_constants(front_end)]
    if shifts is not None:
        height, width, channels = shifts
        parts.append(
            f'#include "tifed_shifts.h"\n\n#define TIFED_SHIFT_HEIGHT {height}u\n'
            f"#define TIFED_SHIFT_WIDTH {width}u\n#define TIFED_SHIFT_CHANNELS {channels}u\n"
        )
    return f"#define {DEVICE_SWITCH} 1\n{''.join(parts)}" if parts else ""


def front_end_constants(front_end: FrontEnd) -> str:
    """The front end, and how much memory it needs for the rows that it looks back at."""
    height, width, channels = front_end.input_shape
    parts = front_end.parts
    merged = "true" if parts.merged else "false"
    if parts.second_order:
        header, second = "tifed_second_order.h", "&tifed_second_order"
        memory = f"TIFED_SECOND_ORDER_BYTES({width}u, {channels}u)"
    else:
        header, second = "tifed_front_end.h", "NULL"
        memory = f"TIFED_FRONT_END_BYTES({width}u, {channels}u, {parts.directions}u, {merged})"
    return f"""\
#include "{header}"

/* SHA-256 {front_end.digest} */
/* Its memory, in pointers. */
#define TIFED_FRONT_END_ROWS (({memory} + sizeof(void *) - 1u) / sizeof(void *))
static const tifed_front_end tifed_experiment_front_end = {{
    .height = {height},
    .width = {width},
    .channels = {channels},
    .directions = {parts.directions},
    .merged = {merged},
    .second = {second},
}};
"""
