"""What log-mel energies cost a device: instructions, stack, RAM and code, processor by processor.

    python benchmarks/spoken_digits_cost.py [--board cortex-m4]

The core is compiled as firmware compiles it, the frame's arithmetic for speed and the rest for
size, and run alone on unicorn's bare processors on a second of noise, in pieces of 20 ms.
Instructions are counted one by one, they are not cycles: those of a frame, which are needed 100
times a second, and those of the second in all, until its features are there. RAM is what a
recording of a second needs.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from tifed.board.firmware import EMULATED_PROCESSORS
from tifed.board.firmware.build import CORE
from tifed.plan.bare_program import compiled
from tifed.rule.signal.log_mel import LogMel, frames_of
from tifed.rule.signal.log_mel_tables import WINDOW

SECOND = 8000
PROGRAM = """\
#include "tifed_log_mel.h"
int16_t sound[8000];
uint32_t length;
int8_t features[TIFED_LOG_MEL_FEATURES];
int start(void);
static int16_t frames[98 * TIFED_LOG_MEL_BANDS];
static tifed_log_mel stream;
int start(void)
{
    int status = tifed_log_mel_begin(&stream, frames, 98);
    for (uint32_t first = 0; !status && first < length; first += 160)
        status = tifed_log_mel_put(&stream, sound + first,
                                   length - first < 160 ? length - first : 160);
    return status ? status : tifed_log_mel_end(&stream, features);
}
"""


def measure(processor: str) -> dict[str, Any]:
    """One processor."""
    sound = np.random.default_rng(1).integers(-9000, 9000, SECOND).astype("<i2")
    front_end = LogMel(frames=frames_of(SECOND))
    counts = {}
    with tempfile.TemporaryDirectory() as folder:
        program = compiled(
            Path(folder), processor, PROGRAM,
            [CORE / "tifed_kernel_log_mel.c"], [CORE / "tifed_log_mel.c"],
        )  # fmt: skip
        stack = 0
        for length in (WINDOW, SECOND):
            ran = program.run(
                {"sound": sound[:length].tobytes(), "length": length.to_bytes(4, "little")},
                {"features": front_end.features},
            )
            wanted = front_end.compute(sound[:length, np.newaxis])
            assert ran.content["features"] == wanted.tobytes(), "another machine's features"
            counts[length], stack = ran.instructions, ran.stack
        code = program.image.code
    # With what a frame more costs at the end, when slices are summed.
    frame = (counts[SECOND] - counts[WINDOW]) / (frames_of(SECOND) - 1)
    return {
        "processor": processor,
        "instructions_a_frame": round(frame),
        "instructions_a_second": counts[SECOND],
        "stack": stack,
        "ram": front_end.memory,
        "code": code,
    }


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--board", choices=EMULATED_PROCESSORS, action="append", help="default all")
    for processor in parser.parse_args().board or EMULATED_PROCESSORS:
        print(json.dumps(measure(processor)), flush=True)


if __name__ == "__main__":
    main()
