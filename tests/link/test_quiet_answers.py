"""What a device may answer an exchange with, and what the host makes of the rest (SPEC, 12.10)."""

import struct
from typing import Any

import numpy as np
import pytest
from tests.link.test_client_frames import Board, client, said_to

from tifed.link import Client, DeviceAnswerError, DeviceRefusedError, DeviceStatus, Frame
from tifed.link.answers import exchanged, numbers
from tifed.link.frame import SILENT, Kind
from tifed.link.quiet import Asked
from tifed.rule.compression import Change
from tifed.rule.network import Activation, Layer

HELLO = struct.pack("<BBB10I", 3, 32 | 128, 1, 77, 64, 9000, 20, 10, 1, 1, 4, 2, 0) + b"a board"
LAYER = Layer(
    4, 2, input_limit=127, rescale_shift=6, update_shift=3, activation=Activation.IDENTITY
)
BEFORE = np.array([100, -100], np.int16)
TERNARY = Change(1, 3)
COUNTS = bytes([20, 40, 1, 0, 0])
MADE = struct.pack("<HHB", 10, 2, 1) + bytes([2 + 9 * 2, 1]) + struct.pack("<2b", 5, -7)
"""Eight ternary numbers, and how far two biases have moved."""


Made = dict[int, tuple[Any, Any]]


class Quiet(Board):
    """Answers an exchange with one payload after the other; silent orders with nothing."""

    def __init__(self, *answers: bytes) -> None:
        super().__init__(self.say)
        self.left = list(answers)

    def say(self, frame: Frame) -> list[Frame]:
        if frame.kind & SILENT:
            return []
        if frame.kind == Kind.HELLO:
            return [said_to(frame, b"\0" + HELLO)]
        if frame.kind == Kind.EXCHANGE:
            return [said_to(frame, self.left.pop(0))]
        return self.well(frame)

    def silent(self) -> list[int]:
        return [frame.sequence for frame in self.asked if frame.kind & SILENT]


def exchange(board: Board, orders: int = 0) -> tuple[Client, tuple[DeviceStatus, Made]]:
    one = client(board)
    one.open_session()
    one.begin_silence()
    for _ in range(orders):
        one.put_start(0, 3, 0)
    return one, one.exchange((0, 20), (0, 2), 0, 0, 0, 0, {0: Asked(LAYER, TERNARY, 0, BEFORE)})


def test_an_answer_taken_apart() -> None:
    _, (status, found) = exchange(Quiet(b"\0" + COUNTS + MADE))
    assert (status.samples, status.statistics.visits, status.statistics.missed) == (20, 40, 1)
    q, biases = found[0]
    assert q.shape == (4, 2)
    assert q.ravel().tolist() == [1, -1, 1, -1, -1, 0, -1, -1]
    assert biases.tolist() == [105, -107]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (COUNTS[:4], "ends in the middle of 5 numbers"),
        (b"\xff\xff\xff\xff\x10" + COUNTS[1:] + MADE, "a number beyond 32 bits"),
        (COUNTS + MADE[:4], "has 4 bytes of a layer"),
        (COUNTS + MADE[:-1], "not 9 or more"),
        (COUNTS + MADE + b"\0", "has 1 bytes too many"),
        (COUNTS + MADE[:4] + b"\3" + MADE[5:] + bytes(4), "biases of 3 bytes"),
        (COUNTS + MADE[:4] + b"\0" + MADE[5:7], "biases of 0 bytes"),
        (COUNTS + struct.pack("<HHB", 11, 2, 1) + bytes(5), "has 11 numbers, not 1 to 10"),
    ],
)  # fmt: skip
def test_what_cannot_be_an_answer(answer: bytes, words: str) -> None:
    with pytest.raises(DeviceAnswerError, match=f"board: its answer to EXCHANGE .*{words}"):
        exchange(Quiet(b"\0" + answer))


def test_numbers_of_up_to_32_bits() -> None:
    assert numbers(b"\xff\xff\xff\xff\x0f\x80\x01?", 2) == ([0xFFFFFFFF, 128], b"?")
    for longer in (b"\xff\xff\xff\xff\x1f", b"\x80\x80\x80\x80\x80\0"):
        with pytest.raises(ValueError, match="beyond 32 bits"):
            numbers(longer, 1)


def test_a_bias_that_moves_beyond_its_bound() -> None:
    bound = LAYER.bias_bound
    before = np.array([bound, -bound], np.int16)
    answer = struct.pack("<HHB2b", 2, 0, 1, 0, 0)
    assert exchanged(answer, 0, before, 1, bound, None)[1].tolist() == [bound, -bound]
    for moved in ((127, 0), (0, -127)):  # beyond 16 bits, too
        answer = struct.pack("<HHB2b", 2, 0, 1, *moved)
        with pytest.raises(ValueError, match=f"passes the bound {bound}"):
            exchanged(answer, 0, before, 1, bound, None)


def test_what_did_not_come_is_sent_again_and_the_exchange_is_a_new_one() -> None:
    hello, first, second, third = 1, 2, 3, 4
    board = Quiet(b"\x50" + struct.pack("<H", first), b"\0" + COUNTS + MADE)
    one, _ = exchange(board, orders=3)
    assert board.asked[0].sequence == hello
    assert board.silent() == [first, second, third, second, third]
    behind = [struct.unpack_from("<H", frame.payload)[0] for frame in board.asked[1:4]]
    assert behind == [0, first, second]
    asked = [frame for frame in board.asked if frame.kind == Kind.EXCHANGE]
    assert [struct.unpack_from("<H", frame.payload)[0] for frame in asked] == [third, third]
    assert asked[0].sequence != asked[1].sequence
    assert one.resent == 2


def test_an_order_that_there_was_not_is_no_answer() -> None:
    with pytest.raises(DeviceAnswerError, match=r"has 77 for its last order, which is none of \["):
        exchange(Quiet(b"\x50" + struct.pack("<H", 77), b"\0" + COUNTS + MADE), orders=1)


def test_a_code_of_an_order_without_an_answer_comes_with_the_exchange() -> None:
    with pytest.raises(DeviceRefusedError, match="board: a parameter beyond its bound"):
        exchange(Quiet(b"\6"), orders=1)
