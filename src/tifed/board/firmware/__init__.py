"""Firmware: bare-metal C around the core, a generated header, and a compiler from PyPI."""

from tifed.board.firmware.build import Firmware, build_firmware
from tifed.board.firmware.emulated_boards import EMULATED_PROCESSORS, EmulatedBoard
from tifed.board.firmware.header import experiment_header, fingerprint

__all__ = [
    "EMULATED_PROCESSORS",
    "EmulatedBoard",
    "Firmware",
    "build_firmware",
    "experiment_header",
    "fingerprint",
]
