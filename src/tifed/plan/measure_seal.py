"""Measure what sealing a line costs a device (SPEC, 24), on every emulated processor.

    python -m tifed.plan.measure_seal

prints the table of docs/link.md: instructions to seal and to open a short and a full frame, which
are counted, the stack of these two alone, and flash and variables of firmware with seals.
"""

import struct
import tempfile
from pathlib import Path

from tifed.board.firmware import EMULATED_PROCESSORS
from tifed.board.firmware.build import CORE, SOURCES, _cache_folder
from tifed.board.firmware.monocypher import monocypher
from tifed.plan.bare_program import BareProgram, compiled
from tifed.plan.extra_memory import memory_cells

SHORT, FULL = 8, 256
"""Bytes of payload: an order's, and the most of a frame (SPEC, 12.4)."""

_PROGRAM = """
#include <stddef.h>
#include "link.h"
#include "seal_monocypher.h"
#if TIFED_LINK_PAYLOAD != 256
#error "the full frame is another one"
#endif
tifed_seal_keys keys;
uint32_t length, opens;
uint8_t head[TIFED_LINK_HEADER], body[TIFED_LINK_PAYLOAD], tag[TIFED_SEAL_TAG];
void *memset(void *to, int v, size_t n)
{ unsigned char *t = to; while (n--) *t++ = v; return to; }
void *memcpy(void *to, const void *from, size_t n)
{ unsigned char *t = to; const unsigned char *f = from; while (n--) *t++ = *f++; return to; }
int start(void);
int start(void)
{
    tifed_seal_frame(&keys, 0, 1, head, body, length, tag);
    return opens && !tifed_open_frame(&keys, 0, 1, head, body, length, tag);
}
"""


def _program(folder: Path, processor: str) -> BareProgram:
    library = monocypher(_cache_folder(None).parent)
    sources = [library / "monocypher.c", SOURCES / "seal_monocypher.c", SOURCES / "link.c"]
    return compiled(folder, processor, _PROGRAM, [], sources, include=(library, SOURCES, CORE))


def _frame(program: BareProgram, length: int) -> tuple[int, int, int]:
    """Instructions to seal and to open a frame, and bytes of stack."""
    ran = [
        program.run({"length": struct.pack("<I", length), "opens": struct.pack("<I", opens)}, {})
        for opens in (0, 1)
    ]
    sealing, both = (one.instructions for one in ran)
    return sealing, both - sealing, max(one.stack for one in ran)


def row(processor: str) -> str:
    """The processor's row of the table."""
    with tempfile.TemporaryDirectory() as folder:
        program = _program(Path(folder), processor)
        short, full = _frame(program, SHORT), _frame(program, FULL)
    figures = (*short[:2], *full[:2], max(short[2], full[2]))
    cells = [f"{figure:,}" for figure in figures]
    cells += memory_cells(processor, "sealed")
    return f"| {processor} | {' | '.join(cells)} |"


def main() -> None:
    """Measure and print."""
    for processor in EMULATED_PROCESSORS:
        print(row(processor), flush=True)


if __name__ == "__main__":
    main()
