"""Measure what a residual costs a device (SPEC, 25.8), on every emulated processor.

    python -m tifed.plan.measure_residual

prints the table of docs/link.md: instructions, which are counted, for the number that one weight
sends, without a residual and with one, and for what is left of its change once the exchange is
over. A round has both of the latter for every weight whose changes go up as short numbers.
"""

import struct
import tempfile
from pathlib import Path

import numpy as np

from tifed.board.firmware import EMULATED_PROCESSORS
from tifed.board.firmware.build import CORE
from tifed.board.firmware.short_header import RESIDUAL_SWITCH
from tifed.plan.bare_program import BareProgram, compiled

FAN_IN, FAN_OUT = 64, 32
_WEIGHTS = FAN_IN * FAN_OUT
_TOP, _SHIFT, _UNIT = 1, 8, 1
"""Ternary numbers of 64-32-10 in its first round, with a residual."""

_PROGRAM = f"""
#include "tifed_changes.h"
static const tifed_layer layer = {{{FAN_IN}, {FAN_OUT}, 1, 8, TIFED_NEAREST, 6, TIFED_NEAREST, 3,
                                  TIFED_IDENTITY, 128, 16}};
static const tifed_network network = {{&layer, 1, TIFED_MARGIN, 48, TIFED_UNIFORM, 0, 0}};
static const tifed_config config = {{&network, 1, 1, 1, 0, 0, 0, 0, 0}};
static const tifed_change how = {{{_TOP}, {_SHIFT}, 1, 0}};
tifed core;
uint32_t memory[4096], what;
int16_t trained[{_WEIGHTS}], received[{_WEIGHTS} + {FAN_OUT}];
int8_t residual[{_WEIGHTS}];
int32_t sum;
void *memset(void *to, int v, size_t n)
{{ unsigned char *t = to; while (n--) *t++ = v; return to; }}
void *memcpy(void *to, const void *from, size_t n)
{{ unsigned char *t = to; const unsigned char *f = from; while (n--) *t++ = *f++; return to; }}
int start(void);
int start(void)
{{
    tifed_changes c;
    if (tifed_init(&core, &config, memory, sizeof memory) != TIFED_OK)
        return 1;
    core.states[0].weights = trained;
    if (tifed_changes_begin(&c, &core, (const uint8_t *)received, 0, 0, &how) != TIFED_OK)
        return 2;
    if (what >= 2)
        tifed_changes_keep(&c, residual, {_UNIT});
    if (what == 3)
        tifed_changes_settle(&c, residual);
    for (; what && tifed_changes_left(&c); tifed_changes_next(&c))
        sum += tifed_changes_q(&c);
    return 0;
}}
"""


def _program(folder: Path, processor: str) -> BareProgram:
    sources = [CORE / f"{name}.c" for name in ("tifed_changes", "tifed", "tifed_kernel")]
    return compiled(folder, processor, _PROGRAM, [], sources, defines=(RESIDUAL_SWITCH,))


def instructions(processor: str) -> tuple[int, int, int]:
    """For one weight: its number without a residual, and with one; and what is left behind."""
    drawn = np.random.default_rng(1)
    sent = drawn.integers(-8000, 8001, _WEIGHTS)
    trained = sent + drawn.integers(-(2 << _SHIFT), (2 << _SHIFT) + 1, _WEIGHTS)
    given = {
        "trained": trained.astype("<i2").tobytes(),
        "received": sent.astype("<i2").tobytes(),
        "residual": drawn.integers(-127, 128, _WEIGHTS).astype(np.int8).tobytes(),
    }
    with tempfile.TemporaryDirectory() as folder:
        program = _program(Path(folder), processor)
        ran = [
            program.run(given | {"what": struct.pack("<I", what)}, {}).instructions
            for what in range(4)
        ]
    first, second, third = (round((count - ran[0]) / _WEIGHTS) for count in ran[1:])
    return first, second, third


def main() -> None:
    """Measure and print."""
    for processor in EMULATED_PROCESSORS:
        print(f"| {processor} | {' | '.join(map(str, instructions(processor)))} |", flush=True)


if __name__ == "__main__":
    main()
