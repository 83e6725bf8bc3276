"""A board in a QEMU process: its UART is a Unix socket on which we listen before it starts."""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tifed.board.emulators.flash import beside_firmware
from tifed.board.firmware.build import Firmware
from tifed.board.firmware.elf import read_image
from tifed.errors import RunError, UsageError
from tifed.link.frame import FrameReader, Kind
from tifed.link.transport import SocketTransport, Transport, TransportClosedError

_START_SECONDS = 120.0  # some boards make their samples of readings first
_STOP_SECONDS = 5.0


def program(firmware: Firmware) -> str:
    """QEMU for the board's processor.

    Raises:
        UsageError: if it is not installed.
    """
    name = "qemu-system-riscv32" if firmware.board.processor == "riscv32" else "qemu-system-arm"
    found = shutil.which(name)
    if found is None:
        package = name.replace("riscv32", "misc")
        raise UsageError(
            f"emulator: {name} is not installed; on Debian: apt-get install {package}, "
            "or choose emulator = 'unicorn'"
        )
    return found


class QemuBoard:
    """One emulated board."""

    def __init__(
        self,
        firmware: Firmware,
        count_instructions: bool = False,
        store: bytes | None = None,
        key: bytes | None = None,
    ) -> None:
        """Start QEMU; it connects to us, so that not a byte is lost.

        Args:
            firmware: what to run.
            count_instructions: tie the board's clock to instructions, not to this machine's time.
            store: what is in its flash behind the program; see `start_board`.
            key: with which its line is sealed, in its flash as well; None if it is not.

        Raises:
            UsageError: if QEMU is not installed.
            RunError: if it does not start.
        """
        self._line: SocketTransport | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="tifed-")
        try:
            self._start(firmware, count_instructions, beside_firmware(store, key))
        except BaseException:
            self.close()
            raise

    def _start(
        self, firmware: Firmware, count_instructions: bool, contents: Mapping[str, bytes]
    ) -> None:
        path = Path(self._folder.name) / "uart"
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(path))
            listening.listen(1)
            listening.settimeout(0.1)
            command = [
                *_command(firmware, path, count_instructions),
                *self._loading(firmware, contents),
            ]
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )  # fmt: skip
            for _ in range(int(_START_SECONDS / 0.1)):
                try:
                    connection, _ = listening.accept()
                except TimeoutError:
                    if self._process.poll() is not None:
                        break
                    continue
                self._line = SocketTransport(connection)
                return self._await_ready(self._line)
        raise RunError(f"emulator: {command[0]} did not start: {self._last_words()}")

    def _loading(self, firmware: Firmware, contents: Mapping[str, bytes]) -> Sequence[str]:
        """Options with which QEMU puts ``contents`` where the firmware looks for them."""
        options: list[str] = []
        for symbol, content in contents.items():
            path = Path(self._folder.name) / symbol
            path.write_bytes(content)
            address = read_image(firmware.elf).symbols[symbol]
            options += ["-device", f"loader,file={path},addr={address:#x},force-raw=on"]
        return options

    def _await_ready(self, line: SocketTransport) -> None:
        """A byte that arrives before the receiver is enabled can block those behind it for good."""
        reader = FrameReader()
        deadline = time.monotonic() + _START_SECONDS
        try:
            while (left := deadline - time.monotonic()) > 0:
                if any(frame.kind == Kind.READY for frame in reader.feed(line.read(left))):
                    return
        except TransportClosedError as error:
            raise RunError(f"emulator: QEMU ended at once: {self._last_words()}") from error
        raise RunError(f"emulator: the firmware said nothing within {_START_SECONDS:g} s")

    def open(self) -> Transport:
        """The line to the board.

        Raises:
            TransportClosedError: if QEMU has ended.
        """
        if self._line is None or self._process is None or self._process.poll() is not None:
            raise TransportClosedError(f"the emulator has ended: {self._last_words()}")
        return _Kept(self._line)

    def close(self) -> None:
        """End QEMU, whatever it is doing."""
        if self._line is not None:
            self._line.close()
            self._line = None
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.communicate(timeout=_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
        self._folder.cleanup()

    def _last_words(self) -> str:
        if self._process is None or self._process.poll() is None or self._process.stderr is None:
            return "no message"
        return self._process.stderr.read().decode(errors="replace").strip() or "no message"


class _Kept:
    """A line that stays open when a client lets go of it: QEMU connects only once."""

    def __init__(self, line: SocketTransport) -> None:
        self.read = line.read
        self.write = line.write

    def close(self) -> None:
        """The board closes it."""


def _command(firmware: Firmware, path: Path, count_instructions: bool) -> Sequence[str]:
    board = firmware.board
    if board.machine is None:
        raise UsageError(f"emulator: QEMU has no board {board.name!r}")
    command = [
        program(firmware), "-M", board.machine, "-display", "none", "-monitor", "none",
        "-nodefaults", "-kernel", str(firmware.elf),
        "-chardev", f"socket,id=u0,path={path},server=off", "-serial", "chardev:u0",
    ]  # fmt: skip
    if board.processor == "riscv32":
        command += ["-bios", "none"]
    if count_instructions:
        command += ["-icount", f"shift={board.icount_shift}"]
    return command
