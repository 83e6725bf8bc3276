"""How short the coder for short updates is, and what it costs a device and this machine.

    python benchmarks/coder.py [--device | --host]

Without options: bits a number for rows of 100,000 numbers that are drawn independently, so that
no coder can pass their entropy, in frames of four capacities; and what zlib and LZMA make of all of
them at once (ternary numbers five to a byte, others a byte each), and the range coder of
`constriction`, if it is installed, which is told how often each number comes.

With --device: flash, RAM and instructions, processor by processor. The coder is compiled for size
as firmware is and run alone on unicorn's bare processors, on 1,000 numbers in one frame.
Instructions are counted one by one; they are not cycles. RAM is the stack, on which the coder or
decoder lies, whose own bytes are its state.

With --host: nanoseconds a number of `coded_length` on one thread here, the best of twenty times.
"""

import argparse
import importlib
import json
import lzma
import tempfile
import time
import timeit
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tifed.board.firmware import EMULATED_PROCESSORS
from tifed.board.firmware.build import CORE
from tifed.native import coder
from tifed.plan.bare_program import compiled
from tifed.rule.compression.coder import START

CAPACITIES = (51, 222, 256, 1024)
TERNARY = (0.5, 0.66, 0.75, 0.8, 0.9, 0.97, 0.99)
"""Share of numbers that are 0."""

PROGRAM = """\
#include "tifed_coder.h"
int16_t numbers[%(count)d];
uint8_t frame[%(capacity)d];
uint32_t length = %(length)d, state;
int start(void);
int start(void)
{
    %(work)s
}
"""
CODES = """\
tifed_coder c;
    uint32_t count = 0;
    state = sizeof c;
    (void)tifed_coder_begin(&c, %(bits)d, %(start)d, frame, sizeof frame);
    while (count < %(count)d && tifed_coder_put(&c, numbers[count]))
        count++;
    length = tifed_coder_finish(&c);
    return count != %(count)d;"""
DECODES = """\
tifed_decoder d;
    state = sizeof d;
    if (!tifed_decoder_begin(&d, %(bits)d, %(start)d, frame, length))
        return 1;
    for (uint32_t i = 0; i < %(count)d; i++)
        numbers[i] = (int16_t)tifed_decoder_get(&d);
    return !tifed_decoder_finish(&d);"""


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", action="store_true", help="flash, RAM, instructions")
    parser.add_argument("--host", action="store_true", help="time this machine")
    chosen = parser.parse_args()
    rows = devices() if chosen.device else times() if chosen.host else sizes()
    for row in rows:
        print(json.dumps(row), flush=True)


def sources(count: int) -> Iterator[tuple[str, int, NDArray[np.int64]]]:
    """Name, bits, and numbers: ternary ones, and rounded Laplace ones of 4 and 8 bits."""
    rng = np.random.default_rng(25)
    for zeros in TERNARY:
        sign = rng.choice([-1, 1], count)
        yield f"ternary, {zeros:.0%} zeros", 1, np.where(rng.random(count) < zeros, 0, sign)
    for bits, scales in ((3, (0.5, 1, 2)), (7, (0.5, 2, 8, 24))):
        top = (1 << bits) - 1
        for scale in scales:
            drawn = np.rint(rng.laplace(0, scale, count)).astype(np.int64)
            yield f"{bits + 1} bits, scale {scale}", bits, np.clip(drawn, -top, top)


def entropy(q: NDArray[np.int64]) -> float:
    """Bits a number."""
    share = np.unique(q, return_counts=True)[1] / len(q)
    return float(-(share * np.log2(share)).sum())


def sizes() -> Iterator[dict[str, Any]]:
    """Bits a number, source by source."""
    for name, bits, q in sources(100_000):
        row: dict[str, Any] = {"numbers": name, "entropy": entropy(q)}
        for capacity in CAPACITIES:
            row[f"frames of {capacity}"] = 8 * coder.coded_length(q, bits, START, capacity)[0]
        data = packed(q, bits)
        row["zlib"] = 8 * len(zlib.compress(data, 9))
        row["lzma"] = 8 * len(lzma.compress(data, preset=9 | lzma.PRESET_EXTREME))
        told = with_constriction(q, bits)
        if told is not None:
            row["constriction"] = told
        yield {
            key: round(value / len(q), 4) if isinstance(value, int) else value
            for key, value in row.items()
        } | {"entropy": round(row["entropy"], 4)}


def packed(q: NDArray[np.int64], bits: int) -> bytes:
    """Numbers as they would travel without a coder."""
    if bits > 1:
        return q.astype(np.int8).tobytes()
    trits = np.append(q + 1, np.zeros(-len(q) % 5, np.int64)).reshape(-1, 5)
    return (trits @ 3 ** np.arange(5)).astype(np.uint8).tobytes()


def with_constriction(q: NDArray[np.int64], bits: int) -> int | None:
    """Bits of the range coder of a library, or None if it is not installed."""
    try:
        stream: Any = importlib.import_module("constriction").stream
    except ImportError:
        return None
    top = (1 << bits) - 1
    share = np.bincount(q + top, minlength=2 * top + 1) / len(q)
    model = stream.model.Categorical(share, perfect=False)
    encoder = stream.queue.RangeEncoder()
    encoder.encode((q + top).astype(np.int32), model)
    return 32 * len(encoder.get_compressed())


def devices() -> Iterator[dict[str, Any]]:
    """Each processor, both ways, with three kinds of numbers."""
    for processor in EMULATED_PROCESSORS:
        for name, bits, q in sources(1000):
            if name in ("ternary, 75% zeros", "4 bits, scale 1", "8 bits, scale 8"):
                yield {"processor": processor, "numbers": name, **on_device(processor, bits, q)}


def on_device(processor: str, bits: int, q: NDArray[np.int64]) -> dict[str, Any]:
    """One processor codes and decodes one frame."""
    frame, _ = coder.encode(q, bits, START, 4096)
    given = {"numbers": q.astype("<i2").tobytes(), "frame": frame.data}
    row: dict[str, Any] = {}
    for way, work, given_name, made in (
        ("code", CODES, "numbers", "frame"),
        ("decode", DECODES, "frame", "numbers"),
    ):
        numbers = {"bits": bits, "start": START, "count": len(q), "capacity": 4096}
        numbers["length"] = len(frame.data)
        text = PROGRAM % {**numbers, "work": work % numbers}
        with tempfile.TemporaryDirectory() as folder:
            program = compiled(Path(folder), processor, text, (), (CORE / "tifed_coder.c",))
            ran = program.run({given_name: given[given_name]}, {made: len(given[made]), "state": 4})
            row[f"{way}_flash"] = program.image.core
        assert ran.content[made] == given[made], f"{processor} writes something else"
        row[f"{way}_instructions"] = round(ran.instructions / len(q), 1)
        row[f"{way}_ram"] = ran.stack
        row[f"{way}_state"] = int.from_bytes(ran.content["state"], "little")
    return row


def times() -> Iterator[dict[str, Any]]:
    """Each kind of numbers on this machine."""
    for name, bits, q in sources(200_000):
        row = q.astype(np.int16)
        work = timeit.Timer(
            lambda row=row, bits=bits: coder.coded_length(row, bits, START, 222),  # type: ignore[misc]
            timer=time.process_time,
        )
        seconds = min(work.repeat(repeat=20, number=1))
        yield {"numbers": name, "nanoseconds": round(1e9 * seconds / len(q), 2)}


if __name__ == "__main__":
    main()
