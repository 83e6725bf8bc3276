"""Boards that are known, and what was measured on their processors."""

from tifed.board.measured import Image, Measured, Round, load_measured, write_measured
from tifed.board.table import Board, Boards, Core, Radio, load_boards

__all__ = [
    "Board",
    "Boards",
    "Core",
    "Image",
    "Measured",
    "Radio",
    "Round",
    "load_boards",
    "load_measured",
    "write_measured",
]
