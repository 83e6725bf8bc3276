"""A front end alone on an emulated processor: built, run on samples, its instructions counted.

The core is compiled as firmware compiles it: the kernel for speed, the rest for size. unicorn
counts instructions one by one; they are not cycles.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import unicorn
from elftools.elf.elffile import ELFFile
from numpy.typing import NDArray
from unicorn import arm_const, riscv_const

from tifed.board.firmware.build import CORE, SOURCES
from tifed.board.firmware.elf import read_image
from tifed.board.firmware.emulated_boards import PROCESSORS, QEMU, UNICORN
from tifed.board.firmware.front_end_header import front_end_constants
from tifed.errors import RunError
from tifed.rule.front_end import FrontEnd, features, front_end_memory

STACK = 4096
PAINTS = (0x55, 0xAA)
"""A byte that keeps both is one that nobody wrote to."""
RAM_BYTES = 1 << 22

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

_emulator: Any = unicorn  # it has no types
_CORTEX = {
    "cortex-m0": arm_const.UC_CPU_ARM_CORTEX_M0, "cortex-m3": arm_const.UC_CPU_ARM_CORTEX_M3,
    "cortex-m4": arm_const.UC_CPU_ARM_CORTEX_M4, "cortex-m7": arm_const.UC_CPU_ARM_CORTEX_M7,
}  # fmt: skip


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
class BareImage:
    """An image of functions that make features of a sample, and nothing else.

    Attributes:
        processor: that it is for.
        path: of the image.
    """

    processor: str
    path: Path

    @property
    def code(self) -> int:
        """Bytes of flash of the functions and their table, without the program around them."""
        return read_image(self.path).code

    def run(self, sample: bytes, wanted: bytes, scratch: int) -> FrontEndRan:
        """Make features of ``sample``, and count.

        Args:
            sample: as the program has it.
            wanted: what the oracle makes of it.
            scratch: bytes of the memory that the functions work in.

        Raises:
            RunError: if the features are not the oracle's.
        """
        symbols = read_image(self.path).symbols
        kept = np.ones(scratch, bool), np.ones(STACK, bool)
        instructions = 0
        for paint in PAINTS:
            machine = self._machine()
            places = (symbols["scratch"], scratch), (symbols["stack_top"] - STACK, STACK)
            for place, count in places:
                machine.mem_write(place, bytes([paint]) * count)
            machine.mem_write(symbols["sample"], sample)
            instructions = self._counted(machine, symbols)
            made = bytes(machine.mem_read(symbols["features"], len(wanted)))
            if made != wanted:
                raise RunError(f"front end: {self.processor} computes other features than here")
            for whole, (place, count) in zip(kept, places, strict=True):
                whole &= np.frombuffer(bytes(machine.mem_read(place, count)), np.uint8) == paint
        return FrontEndRan(
            instructions=instructions,
            scratch=scratch - int(kept[0].sum()),
            stack=STACK - int(np.argmin(kept[1])),
        )

    def _machine(self) -> Any:
        """A processor with the image in its memory."""
        if self.processor in _CORTEX:
            mode = unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS
            machine = _emulator.Uc(unicorn.UC_ARCH_ARM, mode)
            machine.ctl_set_cpu_model(_CORTEX[self.processor])
            flash, ram, size = 0, 0x20000000, UNICORN[self.processor].flash
        else:
            machine = _emulator.Uc(unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV32)
            flash, size = 0x80000000, QEMU[self.processor].flash
            ram = flash + size
        machine.mem_map(flash, size)
        machine.mem_map(ram, RAM_BYTES)
        with self.path.open("rb") as file:
            for segment in ELFFile(file).iter_segments():
                if segment["p_type"] == "PT_LOAD" and segment["p_filesz"]:
                    machine.mem_write(segment["p_paddr"], segment.data())
        return machine

    def _counted(self, machine: Any, symbols: dict[str, int]) -> int:
        """Instructions from ``start`` to where it returns."""
        count = 0

        def one_more(*_: object) -> None:
            nonlocal count
            count += 1

        machine.hook_add(unicorn.UC_HOOK_CODE, one_more)
        if self.processor in _CORTEX:
            stack, back, result = (
                arm_const.UC_ARM_REG_SP, arm_const.UC_ARM_REG_LR, arm_const.UC_ARM_REG_R0,
            )  # fmt: skip
            end, thumb = UNICORN[self.processor].flash - 4, 1
        else:
            stack, back, result = (
                riscv_const.UC_RISCV_REG_SP, riscv_const.UC_RISCV_REG_RA,
                riscv_const.UC_RISCV_REG_A0,
            )  # fmt: skip
            end, thumb = 0x80000000 + QEMU[self.processor].flash - 4, 0
        machine.reg_write(stack, symbols["stack_top"])
        machine.reg_write(back, end | thumb)
        machine.emu_start(symbols["start"] | thumb, end)
        status = machine.reg_read(result)
        if status != 0:
            raise RunError(f"front end: {self.processor} returned {status}")
        return count


@dataclass(frozen=True)
class BareFrontEnd:
    """An image of a front end of pictures.

    Attributes:
        front_end: that it computes.
        image: in which it does.
    """

    front_end: FrontEnd
    image: BareImage

    @property
    def code(self) -> int:
        """Bytes of flash of its functions and their table."""
        return self.image.code

    def run(self, sample: NDArray[np.int8]) -> FrontEndRan:
        """Compute the features of ``sample`` int8 (D,), and count.

        Raises:
            RunError: if the features are not the oracle's.
        """
        wanted = features(self.front_end, sample[np.newaxis])[0]
        scratch = front_end_memory(self.front_end).total
        return self.image.run(sample.tobytes(), wanted.tobytes(), scratch)


@contextmanager
def bare_front_end(front_end: FrontEnd, processor: str) -> Iterator[BareFrontEnd]:
    """An image of ``front_end`` for ``processor``, gone afterwards."""
    numbers = {
        "constants": front_end_constants(front_end),
        "inputs": front_end.input_features, "outputs": front_end.features,
    }  # fmt: skip
    kernels = ("tifed_kernel_front_end.c", "tifed_kernel_second_order.c")
    rest = ("tifed_front_end.c", "tifed_second_order.c")
    with bare_image(PROGRAM % numbers, processor, kernels, rest) as image:
        yield BareFrontEnd(front_end, image)


@contextmanager
def bare_image(
    program: str, processor: str, kernels: Sequence[str], rest: Sequence[str]
) -> Iterator[BareImage]:
    """An image for ``processor``, gone afterwards.

    Args:
        program: C with ``start``, ``sample``, ``scratch`` and ``features``.
        processor: one of the emulated ones.
        kernels: files of the core that are compiled for speed.
        rest: those that are compiled for size.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = _built(Path(folder), program, processor, kernels, rest)
        yield BareImage(processor, path)


def _built(
    folder: Path, program: str, processor: str, kernels: Sequence[str], rest: Sequence[str]
) -> Path:
    board = UNICORN.get(processor) or QEMU[processor]
    runtime = "arm_runtime.c" if processor in _CORTEX else "riscv_runtime.c"
    (folder / "program.c").write_text(program)
    boards = SOURCES / "boards"
    script = (boards / board.script).read_text() + (boards / "sections.ld").read_text()
    (folder / "board.ld").write_text(script.replace("1024", str(STACK)))
    command = [
        sys.executable, "-m", "ziglang", "cc", *PROCESSORS[processor].zig, "-std=c11", "-g",
        "-ffreestanding", "-fno-builtin", "-ffunction-sections", "-fdata-sections",
        "-fomit-frame-pointer", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables",
        "-fno-unroll-loops", "-fno-sanitize=all", "-nostdlib", f"-I{CORE}",
    ]  # fmt: skip
    objects, image = [], folder / "image.elf"
    for name in kernels:
        objects.append(str(folder / f"{name}.o"))
        subprocess.run([*command, "-O2", "-c", str(CORE / name), "-o", objects[-1]], check=True)
    sources = (folder / "program.c", *(CORE / name for name in rest), boards / runtime)
    link = ("-Wl,--gc-sections", "-Wl,--entry=start", "-T", str(folder / "board.ld"))
    subprocess.run(
        [*command, "-Os", *map(str, sources), *objects, *link, "-o", str(image)], check=True
    )
    return image
