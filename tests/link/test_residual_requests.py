"""What a host asks of a device that keeps what was too small to go up (SPEC, 12.11)."""

import struct

import numpy as np
import pytest
from tests.link.test_client_frames import Board, client, said_to
from tests.link.test_quiet_answers import BEFORE, COUNTS, HELLO, LAYER, MADE, Quiet

from tifed.link import DeviceRefusedError, Frame
from tifed.link.conversation import CODES, OTHER_RESIDUAL
from tifed.link.frame import Kind
from tifed.link.quiet import Asked
from tifed.link.short_updates import Kept
from tifed.rule.compression import Change

KEPT = Change(1, 9, unit=2)
WHOLE = Change(0)


@pytest.mark.parametrize(
    ("behind", "name", "residuals"),
    [(b"", "a board", False), (b"\0\1", "a board", True), (b"\0\2", "a board", False),
     (b"\0", "a board", False), (b"\0\3more", "a board", True)],
)  # fmt: skip
def test_further_features_stand_behind_the_name(behind: bytes, name: str, residuals: bool) -> None:
    said = client(Board(lambda frame: [said_to(frame, b"\0" + HELLO + behind)])).open_session()
    assert (said.board, said.residuals) == (name, residuals)


@pytest.mark.parametrize(
    ("kept", "behind"),
    [
        (None, ""),
        (Kept(-1, (KEPT,)), "ffffffff 01 09 00 02 0000"),
        (Kept(5, (KEPT, WHOLE)), "05000000 01 09 00 02 0000 00 00 00 00 0000"),
        (Kept(0x01020304, (Change(127, 14, unit=7),)), "04030201 7f 0e 00 07 0000"),
    ],
)
def test_an_order_to_train_says_after_which_exchange(kept: Kept | None, behind: str) -> None:
    board = Board()
    client(board).train(6, 2, 1, 3, 4, -1, kept)
    (payload,) = board.payloads(Kind.TRAIN)
    assert payload == struct.pack("<5Ii", 6, 2, 1, 3, 4, -1) + bytes.fromhex(behind)


def test_numbers_are_asked_for_with_the_unit_in_place_of_a_turn() -> None:
    packed = bytes([2 + 9 * 2, 1])
    said = struct.pack("<xH", 10) + packed + struct.pack("<2h", 5, -7)
    board = Board(lambda frame: [said_to(frame, said)])
    q, biases = client(board).get_changes(0, LAYER, KEPT, turn=13)
    assert board.payloads(Kind.GET_CHANGES)[0][10:] == bytes([1, 9, 0, 2])
    assert q.shape == (4, 2)
    assert biases.tolist() == [5, -7]


@pytest.mark.parametrize("after", [None, -1, 6])
def test_a_whole_exchange_says_it_in_front_of_its_layers(after: int | None) -> None:
    board = Quiet(b"\0" + COUNTS + MADE)
    one = client(board)
    one.open_session()
    one.begin_silence()
    change = Change(1, 3) if after is None else KEPT
    asked = {0: Asked(LAYER, change, 0, BEFORE)}
    _, found = one.exchange((0, 20), (0, 2), 0, 0, 0, 0, asked, after)
    (payload,) = board.payloads(Kind.EXCHANGE)
    words = b"" if after is None else struct.pack("<i", after)
    how = bytes([1, 3, 1, 0]) if after is None else bytes([1, 9, 0, 2])
    assert payload[36:-2] == words + how
    assert np.array_equal(found[0][0].ravel()[:3], [1, -1, 1])


def test_a_device_that_has_another_one_is_refused_in_words() -> None:
    def say(frame: Frame) -> list[Frame]:
        return [said_to(frame, bytes([OTHER_RESIDUAL, 0, 0]))]

    with pytest.raises(DeviceRefusedError, match="is not of the exchange that the server") as its:
        client(Board(say)).train(0, 1, 0, 0, 1, 0, Kept(0, (KEPT,)))
    assert its.value.code == OTHER_RESIDUAL == 81
    assert CODES[81] in str(its.value)
