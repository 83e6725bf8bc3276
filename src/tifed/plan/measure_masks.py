"""Measure what masks of its own cost a device (SPEC, 21.5), on every emulated processor.

    python -m tifed.plan.measure_masks

prints the table of docs/secure-aggregation.md: instructions, which are counted, of making a key
pair, of agreeing with one other device, and of a parameter under masks with 2 and with 8 others;
the stack of these alone; and flash and variables of firmware with masks.
"""

import struct
import tempfile
from pathlib import Path

from tifed.board.firmware import EMULATED_PROCESSORS
from tifed.board.firmware.build import CORE, SOURCES, _cache_folder
from tifed.board.firmware.masked_header import MASKED_SWITCH
from tifed.board.firmware.monocypher import SMALL_SWITCH, monocypher
from tifed.plan.bare_program import BareProgram, compiled
from tifed.plan.extra_memory import memory_cells

FEW, MANY = 2, 8
"""Other devices that a device shares masks with: the fewest, and the most by default."""
PIECE = 48
"""Parameters that travel at once: as many whole blocks of a stream as a frame has room for."""
NOTHING, PUBLISH, AGREE, MASK = range(4)

_PROGRAM = """
#include <stddef.h>
#include "device_inside.h"
#include "masks_monocypher.h"
static const tifed_layer layers[] = {
    {64, 10, 1, 8, TIFED_NEAREST, 6, TIFED_STOCHASTIC, 3, TIFED_RELU, 128, 8},
    {10, 3, 1, 8, TIFED_NEAREST, 6, TIFED_NEAREST, 3, TIFED_IDENTITY, 127, 16}};
static const tifed_network network = {layers, 2, TIFED_MARGIN, 48, TIFED_OUTPUT_SIGN, 1, true};
static uint32_t memory[4096];
static int8_t sample[64];
static void write(const uint8_t *bytes, uint16_t count) { (void)bytes; (void)count; }
static bool secret(uint8_t *bytes) { bytes[0] = 1; return true; }
static const tifed_masks masks = {secret, tifed_mask_publish, tifed_mask_agree, tifed_mask_stream};
static const tifed_device_setup setup = {.network = &network, .buffer = 10, .batch = 10,
    .memory = memory, .bytes = sizeof memory, .inputs = 64, .sample = sample, .board = "bare",
    .write = write, .masks = &masks};
static tifed_device device;
uint32_t what, others, count;
uint8_t key[32], public_key[32], pair[32], payload[TIFED_LINK_PAYLOAD];
void *memset(void *to, int v, size_t n)
{ unsigned char *t = to; while (n--) *t++ = v; return to; }
void *memcpy(void *to, const void *from, size_t n)
{ unsigned char *t = to; const unsigned char *f = from; while (n--) *t++ = *f++; return to; }
int start(void);
int start(void)
{
    uint16_t size;
    device.setup = &setup;
    if (what == 1)
        tifed_mask_publish(public_key, key);
    if (what == 2)
        return !tifed_mask_agree(pair, key, public_key, payload, 84);
    if (what != 3)
        return 0;
    const tifed_config config = config_for(&device, 1);
    if (tifed_init(&device.core, &config, memory, sizeof memory) != TIFED_OK)
        return 2;
    device.state = TIFED_DEVICE_TRAINED;
    device.masked.with = (UINT32_C(1) << (others + 1u)) - 1u;
    tifed_link_put32(payload + 8, count);
    return !tifed_masked_answer(&device, TIFED_LINK_GET_MASKED, 12, payload, &size) || payload[0];
}
"""


def _program(folder: Path, processor: str) -> BareProgram:
    library = monocypher(_cache_folder(None).parent)
    kernels = sorted(CORE.glob("tifed_kernel*.c"))
    sources = [path for path in sorted(CORE.glob("*.c")) if path not in kernels]
    sources += [SOURCES / name for name in ("device_masked.c", "masks_monocypher.c", "link.c")]
    sources.append(library / "monocypher.c")
    return compiled(
        folder, processor, _PROGRAM, kernels, sources, include=(library, SOURCES, CORE),
        defines=(MASKED_SWITCH, SMALL_SWITCH),
    )  # fmt: skip


def _counted(program: BareProgram, what: int, others: int = 0, count: int = 0) -> tuple[int, int]:
    """Instructions, and bytes of stack."""
    words = {"what": what, "others": others, "count": count}
    given = {name: struct.pack("<I", word) for name, word in words.items()}
    nine = bytes([9, *bytes(31)])  # the public key whose secret one is 1
    ran = program.run({**given, "key": nine, "public_key": nine}, {})
    return ran.instructions, ran.stack


def row(processor: str) -> str:
    """The processor's row of the table."""
    with tempfile.TemporaryDirectory() as folder:
        program = _program(Path(folder), processor)
        nothing, _ = _counted(program, NOTHING)
        publish, agree = _counted(program, PUBLISH), _counted(program, AGREE)
        masked = []
        for others in (FEW, MANY):
            none, _ = _counted(program, MASK, others)
            masked.append((_counted(program, MASK, others, PIECE)[0] - none) / PIECE)
        stack = max(publish[1], agree[1], _counted(program, MASK, MANY, PIECE)[1])
    cells = [f"{one[0] - nothing:,}" for one in (publish, agree)]
    cells += [f"{each:,.0f}" for each in masked] + [f"{stack:,}"]
    cells += memory_cells(processor, "masked")
    return f"| {processor} | {' | '.join(cells)} |"


def main() -> None:
    """Measure and print."""
    for processor in EMULATED_PROCESSORS:
        print(row(processor), flush=True)


if __name__ == "__main__":
    main()
