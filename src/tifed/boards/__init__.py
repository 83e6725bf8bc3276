"""Boards that are known, and what was measured on their processors."""

from tifed.boards.board import Board, Boards, Core, Radio, load_boards
from tifed.boards.measured import Image, Measured, Round, load_measured, write_measured

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
