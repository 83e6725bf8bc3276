"""A microcontroller in this process: unicorn runs the firmware, a mailbox in RAM is its line.

The firmware calls ``mailbox_turn`` where it waits and after each step of training. There emulation
stops; the boxes are emptied and filled, and it goes on. No hook slows the processor down.
"""

import struct
import threading
import time
from pathlib import Path
from typing import Any

from tifed.board.emulators.flash import beside_firmware
from tifed.board.firmware.build import Firmware
from tifed.errors import UsageError
from tifed.link.transport import TransportClosedError

try:
    import unicorn
    from elftools.elf.elffile import ELFFile
    from unicorn import arm_const

    from tifed.board.firmware.elf import read_image
except ImportError as missing:
    raise UsageError(
        "emulator: 'unicorn' is not installed; pip install 'tifed[emulator]', "
        "or choose emulator = 'qemu'"
    ) from missing

_emulator: Any = unicorn  # it has no types

_PROCESSORS = {
    "cortex-m0": arm_const.UC_CPU_ARM_CORTEX_M0,
    "cortex-m3": arm_const.UC_CPU_ARM_CORTEX_M3,
    "cortex-m4": arm_const.UC_CPU_ARM_CORTEX_M4,
    "cortex-m7": arm_const.UC_CPU_ARM_CORTEX_M7,
}
_FLASH, _RAM = 0x00000000, 0x20000000
_BOX = 1024
_COUNTS = struct.Struct("<5I")
_IN = _COUNTS.size
_OUT = _IN + _BOX
_SLOWEST_TURN = 60.0
"""Seconds after which a program that has not come to a turn is taken to be lost."""


class UnicornBoard:
    """One emulated microcontroller; a `Transport` to its firmware.

    It runs while its line is read, in the thread that reads: a device nobody listens to takes no
    time.
    """

    def __init__(
        self, firmware: Firmware, store: bytes | None = None, key: bytes | None = None
    ) -> None:
        """Load the firmware and take the processor out of reset.

        Args:
            firmware: what it runs.
            store: what is in its flash behind the program; see `start_board`.
            key: with which its line is sealed, in its flash as well; None if it is not.
        """
        board = firmware.board
        symbols = read_image(firmware.elf).symbols
        self._turn = symbols["mailbox_turn"] & ~1
        self._mailbox = symbols["mailbox"]
        machine = _emulator.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
        machine.ctl_set_cpu_model(_PROCESSORS[board.processor])
        machine.mem_map(_FLASH, board.flash, unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC)
        machine.mem_map(_RAM, board.ram, unicorn.UC_PROT_READ | unicorn.UC_PROT_WRITE)
        for address, content in _segments(firmware.elf):
            machine.mem_write(address, content)
        for symbol, content in beside_firmware(store, key).items():
            machine.mem_write(symbols[symbol], content)
        self._machine = machine
        self._pending = b""
        self._written = threading.Condition()
        self._closed = False
        self._restart()

    def read(self, seconds: float) -> bytes:
        """What the device sends; it runs until it has something to say, or waits for us."""
        deadline = time.monotonic() + seconds
        while True:
            said, idle = self._exchange()
            if said:
                return said
            left = deadline - time.monotonic()
            if idle:  # it will not speak before it is spoken to
                with self._written:
                    if not self._written.wait_for(lambda: self._pending, max(0.0, left)):
                        return b""
                continue
            self._run()
            if left <= 0:
                return self._exchange()[0]

    def write(self, data: bytes) -> None:
        """Put ``data`` where the device will find it when it runs; from any thread."""
        with self._written:
            self._pending += data
            self._written.notify()

    def peek(self, address: int, count: int) -> bytes:
        """``count`` bytes of its memory from ``address`` on, as a debugger would read them."""
        return bytes(self._machine.mem_read(address, count))

    def poke(self, address: int, content: bytes) -> None:
        """Write ``content`` into its memory, as a debugger would."""
        self._machine.mem_write(address, content)

    def close(self) -> None:
        """Nothing to give back but memory."""
        self._closed = True

    def reset(self) -> None:
        """Start the processor again, as its reset pin would."""
        self._restart()

    def _restart(self) -> None:
        stack, entry = struct.unpack("<II", bytes(self._machine.mem_read(_FLASH, 8)))
        self._machine.mem_write(self._mailbox, bytes(_COUNTS.size))
        self._pending = b""
        self._machine.reg_write(arm_const.UC_ARM_REG_SP, stack)
        self._machine.reg_write(arm_const.UC_ARM_REG_LR, 0xFFFFFFFF)
        self._next = entry | 1
        self._run()
        while not self._has_begun():  # it makes its samples first
            self._run()

    def _has_begun(self) -> bool:
        """Whether the device has said that it is there, which it does before anything else."""
        counts = bytes(self._machine.mem_read(self._mailbox, _COUNTS.size))
        _, _, said, wants_reset, waits = _COUNTS.unpack(counts)
        return bool(said or wants_reset or waits)

    def _run(self) -> None:
        """To the next turn."""
        _watchdog.begin(self._machine)
        try:
            self._machine.emu_start(self._next, self._turn)
        except _emulator.UcError as error:
            raise TransportClosedError(f"the emulated processor stopped: {error}") from error
        finally:
            _watchdog.end(self._machine)
        if self._machine.reg_read(arm_const.UC_ARM_REG_PC) & ~1 != self._turn:
            raise TransportClosedError("the emulated processor is in an endless loop")
        self._next = self._machine.reg_read(arm_const.UC_ARM_REG_LR) | 1

    def _exchange(self) -> tuple[bytes, bool]:
        """Empty one box and fill the other; what was in it, and whether the device only waits."""
        if self._closed:
            raise TransportClosedError("closed")
        counts = bytes(self._machine.mem_read(self._mailbox, _COUNTS.size))
        there, taken, said, wants_reset, waits = _COUNTS.unpack(counts)
        out = bytes(self._machine.mem_read(self._mailbox + _OUT, said)) if said else b""
        if wants_reset:
            self._restart()
            return out, False
        idle = bool(waits) and there == taken and not self._pending
        if there == taken:
            with self._written:
                box, self._pending = self._pending[:_BOX], self._pending[_BOX:]
            self._machine.mem_write(self._mailbox + _IN, box)
            there, taken = len(box), 0
        self._machine.mem_write(self._mailbox, _COUNTS.pack(there, taken, 0, 0, 0))
        return out, idle


class _Watchdog:
    """Stops an emulator that runs for far too long, so that nothing waits for it for ever."""

    def __init__(self) -> None:
        self._running: dict[int, tuple[float, Any]] = {}
        self._thread: threading.Thread | None = None

    def begin(self, machine: Any) -> None:
        self._running[id(machine)] = (time.monotonic(), machine)
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="tifed-watchdog", daemon=True)
            self._thread.start()

    def end(self, machine: Any) -> None:
        self._running.pop(id(machine), None)

    def _watch(self) -> None:
        while True:
            time.sleep(1.0)
            now = time.monotonic()
            for began, machine in list(self._running.values()):
                if now - began > _SLOWEST_TURN:
                    machine.emu_stop()


_watchdog = _Watchdog()


def _segments(elf: Path) -> list[tuple[int, bytes]]:
    """Content of the image by load address."""
    with elf.open("rb") as file:
        return [
            (segment["p_paddr"], segment.data())
            for segment in ELFFile(file).iter_segments()
            if segment["p_type"] == "PT_LOAD" and segment["p_filesz"]
        ]
