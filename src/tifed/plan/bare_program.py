"""A program alone on an emulated processor: compiled, its instructions counted, its memory seen.

What is to be fast is compiled as firmware compiles kernels, the rest for size. unicorn counts
instructions one by one; they are not cycles.
"""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import unicorn
from elftools.elf.elffile import ELFFile
from unicorn import arm_const, riscv_const

from tifed.board.firmware.build import CORE, SOURCES
from tifed.board.firmware.elf import ElfImage, read_image
from tifed.board.firmware.emulated_boards import PROCESSORS, QEMU, UNICORN
from tifed.errors import RunError

STACK = 4096
PAINTS = (0x55, 0xAA)
"""A byte that keeps both is one that nobody wrote to."""
RAM_BYTES = 1 << 22

_emulator: Any = unicorn  # it has no types
_CORTEX = {
    "cortex-m0": arm_const.UC_CPU_ARM_CORTEX_M0, "cortex-m3": arm_const.UC_CPU_ARM_CORTEX_M3,
    "cortex-m4": arm_const.UC_CPU_ARM_CORTEX_M4, "cortex-m7": arm_const.UC_CPU_ARM_CORTEX_M7,
}  # fmt: skip


@dataclass(frozen=True)
class Ran:
    """What a run of a program was.

    Attributes:
        instructions: from ``start`` to where it returns.
        stack: bytes of stack.
        written: of each place that was asked about, how many bytes were written.
        content: of each place that was asked for, what it holds afterwards.
    """

    instructions: int
    stack: int
    written: Mapping[str, int]
    content: Mapping[str, bytes]


@dataclass(frozen=True)
class BareProgram:
    """An image of a program and nothing else, with a function ``start`` that returns 0.

    Attributes:
        processor: that it is for.
        path: of the image.
    """

    processor: str
    path: Path

    @cached_property
    def image(self) -> ElfImage:
        """What the image holds."""
        return read_image(self.path)

    def run(
        self,
        given: Mapping[str, bytes],
        wanted: Mapping[str, int],
        watched: Mapping[str, int] | None = None,
    ) -> Ran:
        """Run it twice, on memory painted with one byte and then with another, and count.

        Args:
            given: what is written into variables before, by their names.
            wanted: variables to be read afterwards, and how many bytes of them.
            watched: variables of which is counted how many bytes the program writes, and their
                bytes.

        Raises:
            RunError: if it does not return 0.
        """
        symbols, watched = self.image.symbols, watched or {}
        places = {name: (symbols[name], count) for name, count in watched.items()}
        places["stack"] = (symbols["stack_top"] - STACK, STACK)
        kept = {name: np.ones(count, bool) for name, (_, count) in places.items()}
        instructions, content = 0, {}
        for paint in PAINTS:
            machine = self._machine()
            for place, count in places.values():
                machine.mem_write(place, bytes([paint]) * count)
            for name, data in given.items():
                machine.mem_write(symbols[name], data)
            instructions = self._counted(machine)
            content = {
                name: bytes(machine.mem_read(symbols[name], count))
                for name, count in wanted.items()
            }
            for name, (place, count) in places.items():
                there = np.frombuffer(bytes(machine.mem_read(place, count)), np.uint8)
                kept[name] &= there == paint
        return Ran(
            instructions=instructions,
            stack=STACK - int(np.argmin(kept.pop("stack"))),
            written={name: int((~whole).sum()) for name, whole in kept.items()},
            content=content,
        )

    def content(self, given: Mapping[str, bytes], wanted: Mapping[str, int]) -> dict[str, bytes]:
        """Run it without counting, which takes a hundredth of the time, and read variables.

        Args:
            given: what is written into variables before, by their names.
            wanted: variables to be read afterwards, and how many bytes of them.

        Raises:
            RunError: if it does not return 0.
        """
        symbols, machine = self.image.symbols, self._machine()
        for name, data in given.items():
            machine.mem_write(symbols[name], data)
        self._started(machine)
        return {
            name: bytes(machine.mem_read(symbols[name], count)) for name, count in wanted.items()
        }

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
                    # Where variables are, as what runs before a program's main copies them.
                    machine.mem_write(segment["p_vaddr"], segment.data())
        return machine

    def _counted(self, machine: Any) -> int:
        """Instructions from ``start`` to where it returns."""
        count = 0

        def one_more(*_: object) -> None:
            nonlocal count
            count += 1

        machine.hook_add(unicorn.UC_HOOK_CODE, one_more)
        self._started(machine)
        return count

    def _started(self, machine: Any) -> None:
        """From ``start`` to where it returns 0."""
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
        machine.reg_write(stack, self.image.symbols["stack_top"])
        machine.reg_write(back, end | thumb)
        machine.emu_start(self.image.symbols["start"] | thumb, end)
        status = machine.reg_read(result)
        if status != 0:
            raise RunError(f"{self.path.name}: {self.processor} returned {status}")


def compiled(
    folder: Path,
    processor: str,
    program: str,
    fast: Sequence[Path],
    small: Sequence[Path],
    *,
    include: Sequence[Path] = (CORE,),
    defines: Sequence[str] = (),
) -> BareProgram:
    """Compile ``program`` in ``folder`` with what it needs.

    Args:
        folder: free for files of any name.
        processor: one of the emulated ones.
        program: C, with a function ``int start(void)``.
        fast: sources that are compiled for speed.
        small: sources that are compiled for size.
        include: folders of headers.
        defines: names for the preprocessor.
    """
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
        "-fno-unroll-loops", "-fno-sanitize=all", "-nostdlib", *(f"-I{path}" for path in include),
        *(f"-D{name}" for name in defines),
    ]  # fmt: skip
    kernels, image = [], folder / "image.elf"
    for source in fast:
        kernels.append(str(folder / f"{source.stem}.o"))
        subprocess.run([*command, "-O2", "-c", str(source), "-o", kernels[-1]], check=True)
    rest = (folder / "program.c", *small, boards / runtime)
    link = ("-Wl,--gc-sections", "-Wl,--entry=start", "-T", str(folder / "board.ld"))
    subprocess.run(
        [*command, "-Os", *map(str, rest), *kernels, *link, "-o", str(image)], check=True
    )
    return BareProgram(processor, image)
