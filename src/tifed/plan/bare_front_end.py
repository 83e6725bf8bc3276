"""A front end alone on an emulated processor: built, run on samples, its instructions counted."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tifed.board.firmware.build import CORE
from tifed.board.firmware.front_end_header import front_end_constants
from tifed.errors import RunError
from tifed.plan.bare_program import BareProgram, compiled
from tifed.rule.front_end import FrontEnd, features, front_end_memory

PROGRAM = """\
%(constants)s
int8_t sample[%(inputs)d], features[%(outputs)d];
void *scratch[TIFED_FRONT_END_ROWS];
int start(void);
int start(void)
{
    tifed_front_end_stream stream;
    int status = tifed_front_end_begin(&stream, &tifed_experiment_front_end, features, scratch,
                                       sizeof scratch);
    return status ? status : tifed_front_end_put(&stream, sample, sizeof sample);
}
"""


@dataclass(frozen=True)
class FrontEndRan:
    """One sample's way through a front end.

    Attributes:
        instructions: from its first value to its last feature.
        scratch: bytes of the front end's memory that were written.
        stack: bytes of stack.
    """

    instructions: int
    scratch: int
    stack: int


@dataclass(frozen=True)
class BareFrontEnd:
    """An image of a front end and nothing else.

    Attributes:
        front_end: that it computes.
        program: the image.
    """

    front_end: FrontEnd
    program: BareProgram

    @property
    def code(self) -> int:
        """Bytes of flash of the functions and their table, without the program around them."""
        return self.program.image.code

    def run(self, sample: NDArray[np.int8]) -> FrontEndRan:
        """Compute the features of ``sample`` int8 (D,), and count.

        Raises:
            RunError: if the features are not the oracle's.
        """
        wanted = features(self.front_end, sample[np.newaxis])[0]
        ran = self.program.run(
            {"sample": sample.tobytes()},
            {"features": len(wanted)},
            {"scratch": front_end_memory(self.front_end).total},
        )
        if ran.content["features"] != wanted.tobytes():
            raise RunError(f"front end: {self.program.processor} computes other features than here")
        return FrontEndRan(
            instructions=ran.instructions, scratch=ran.written["scratch"], stack=ran.stack,
        )  # fmt: skip


@contextmanager
def bare_front_end(front_end: FrontEnd, processor: str) -> Iterator[BareFrontEnd]:
    """An image of ``front_end`` for ``processor``, gone afterwards."""
    numbers = {
        "constants": front_end_constants(front_end),
        "inputs": front_end.input_features, "outputs": front_end.features,
    }  # fmt: skip
    kernels = ("tifed_kernel_front_end.c", "tifed_kernel_second_order.c")
    core = ("tifed_front_end.c", "tifed_second_order.c")
    with tempfile.TemporaryDirectory() as folder:
        yield BareFrontEnd(
            front_end,
            compiled(
                Path(folder), processor, PROGRAM % numbers,
                [CORE / name for name in kernels], [CORE / name for name in core],
            ),
        )  # fmt: skip
