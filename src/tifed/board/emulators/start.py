"""One more emulated board, by whichever emulator its firmware is for."""

from contextlib import ExitStack
from typing import TYPE_CHECKING, Union

from tifed.board.firmware.build import Firmware
from tifed.link.transport import Opener

if TYPE_CHECKING:
    from tifed.board.emulators.qemu import QemuBoard
    from tifed.board.emulators.unicorn import UnicornBoard

RunningBoard = Union["QemuBoard", "UnicornBoard"]


def start_board(
    firmware: Firmware,
    boards: ExitStack,
    store: bytes | None = None,
    key: bytes | None = None,
) -> tuple[RunningBoard, Opener]:
    """A board that runs ``firmware`` until ``boards`` is closed, and how to open its line.

    Args:
        firmware: what it runs.
        boards: what ends it.
        store: what is in its flash behind the program when it starts: a store of its own samples,
            or the readings that it makes them of; None for nothing.
        key: with which its line is sealed, in its flash as well; None if it is not.

    Raises:
        UsageError: if the emulator is not installed.
        RunError: if it does not start.
    """
    if firmware.board.machine is not None:
        from tifed.board.emulators.qemu import QemuBoard

        board = QemuBoard(firmware, store=store, key=key)
        boards.callback(board.close)
        return board, board.open
    from tifed.board.emulators.unicorn import UnicornBoard

    chip = UnicornBoard(firmware, store, key)
    boards.callback(chip.close)
    return chip, lambda: chip
