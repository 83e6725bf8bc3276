"""The boards that the firmware runs on: processor, sources, and who emulates them."""

from dataclasses import dataclass

from tifed.errors import UsageError


@dataclass(frozen=True)
class EmulatedBoard:
    """A board, or an emulator's stand-in for one.

    Attributes:
        name: what it tells the server.
        processor: as in an experiment: ``cortex-m4``.
        sources: C files in ``boards/`` that belong to it.
        script: linker script in ``boards/``, without the sections that all boards share.
        ram: bytes.
        flash: bytes.
        tick_hertz: of the counter by which it times its training; 0 without one.
        machine: QEMU's name of it; None for unicorn's bare processor.
        icount_shift: an instruction lasts ``2**shift`` ns where QEMU counts them.
    """

    name: str
    processor: str
    sources: tuple[str, ...]
    script: str
    ram: int
    flash: int
    tick_hertz: int = 0
    machine: str | None = None
    icount_shift: int = 0

    def instructions(self, ticks: int) -> int:
        """Instructions in ``ticks`` of one step, where QEMU counts them.

        An instruction lasts several ticks, so it does not matter where in a tick the step began.
        """
        return round(ticks * 10**9 / (self.tick_hertz << self.icount_shift))


@dataclass(frozen=True)
class Processor:
    """How compilers name a processor.

    Attributes:
        zig: options of ``zig cc``.
        gcc: name of the gcc and its options.
    """

    zig: tuple[str, ...]
    gcc: tuple[str, ...]


_ARM = ("-target", "thumb-freestanding-eabi")
_GCC = ("arm-none-eabi-gcc", "-mthumb", "-mfloat-abi=soft")
PROCESSORS: dict[str, Processor] = {
    "cortex-m0": Processor((*_ARM, "-mcpu=cortex_m0"), (*_GCC, "-mcpu=cortex-m0")),
    "cortex-m3": Processor((*_ARM, "-mcpu=cortex_m3"), (*_GCC, "-mcpu=cortex-m3")),
    "cortex-m4": Processor((*_ARM, "-mcpu=cortex_m4"), (*_GCC, "-mcpu=cortex-m4")),
    "cortex-m7": Processor((*_ARM, "-mcpu=cortex_m7"), (*_GCC, "-mcpu=cortex-m7")),
    "riscv32": Processor(
        ("-target", "riscv32-freestanding", "-mcpu=generic_rv32+m+a+c+relax+save_restore"),
        (
            "riscv64-unknown-elf-gcc", "-march=rv32imac", "-mabi=ilp32", "-misa-spec=2.2",
            "-mcmodel=medany",
        ),
    ),
}  # fmt: skip

_CORTEX = ("cortex_m.c", "arm_runtime.c")
_KB, _MB = 1 << 10, 1 << 20
_MPS2 = ((*_CORTEX, "mps2.c"), "mps2.ld", 4 * _MB, 4 * _MB, 25_000_000)

QEMU: dict[str, EmulatedBoard] = {
    "cortex-m0": EmulatedBoard(
        "microbit", "cortex-m0", (*_CORTEX, "microbit.c"), "microbit.ld", 16 * _KB, 256 * _KB,
        16_000_000, "microbit", 8,
    ),
    "cortex-m3": EmulatedBoard("mps2-an385", "cortex-m3", *_MPS2, "mps2-an385", 8),
    "cortex-m4": EmulatedBoard("mps2-an386", "cortex-m4", *_MPS2, "mps2-an386", 8),
    "cortex-m7": EmulatedBoard("mps2-an500", "cortex-m7", *_MPS2, "mps2-an500", 8),
    "riscv32": EmulatedBoard(
        "virt", "riscv32", ("virt.c", "riscv_runtime.c"), "virt.ld", 4 * _MB, 2 * _MB,
        1_000_000_000, "virt", 0,
    ),
}  # fmt: skip
"""Whole boards, UART included, by processor."""

UNICORN: dict[str, EmulatedBoard] = {
    processor: EmulatedBoard(
        f"{processor} (bare)", processor, (*_CORTEX, "mailbox.c"), "mailbox.ld", 4 * _MB, _MB
    )
    for processor in ("cortex-m0", "cortex-m3", "cortex-m4", "cortex-m7")
}
"""Bare processors with a mailbox in RAM for a serial line."""

EMULATED_PROCESSORS = tuple(QEMU)
"""The processors that have a whole board."""


def board_for(processor: str, emulator: str) -> EmulatedBoard:
    """The board that ``emulator`` makes of ``processor``.

    Raises:
        UsageError: if it has none.
    """
    boards = {"qemu": QEMU, "unicorn": UNICORN}[emulator]
    if processor not in boards:
        raise UsageError(
            f"board: {emulator} has no {processor!r}; it has {', '.join(boards)}"
            + (" (emulator = 'qemu' has it)" if processor in QEMU else "")
        )
    return boards[processor]
