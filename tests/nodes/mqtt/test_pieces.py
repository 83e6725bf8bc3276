"""Messages in pieces: whole again in any order, and nothing else."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tifed.nodes.messages.content import MessageError
from tifed.nodes.mqtt import pieces as module
from tifed.nodes.mqtt.pieces import AROUND, LEAST_PACKET, OPEN, Pieces, name_of, pieces_of

NAME = bytes(range(16))


@given(st.binary(max_size=5000), st.integers(LEAST_PACKET, 4000), st.randoms())
def test_pieces_in_any_order_and_twice_are_the_message(
    data: bytes, packet: int, random: "object"
) -> None:
    cut = list(pieces_of(NAME, data, packet))
    assert max(map(len, cut)) <= packet - AROUND
    mixed = cut + cut[:-1]
    random.shuffle(mixed)  # type: ignore[attr-defined]
    together, found = Pieces(), []
    for piece in mixed:
        whole = together.take(piece)
        if whole is not None:
            found.append(whole)
    assert (NAME, data) in found


def test_what_two_messages_have_in_common_is_no_name() -> None:
    assert name_of(b"a") != name_of(b"b")
    together = Pieces()
    data = [bytes([which]) * 3000 for which in range(2)]
    first, second = (list(pieces_of(name_of(one), one, LEAST_PACKET)) for one in data)
    taken = [together.take(piece) for pair in zip(first, second, strict=True) for piece in pair]
    assert [whole[1] for whole in taken if whole] == data


def test_of_many_that_are_begun_the_oldest_is_dropped() -> None:
    together = Pieces()
    begun = [
        list(pieces_of(number.to_bytes(16, "little"), b"x" * 2000, LEAST_PACKET))
        for number in range(OPEN + 1)
    ]
    for first, *_ in begun:
        assert together.take(first) is None
    oldest, *_, newest = begun
    assert [together.take(piece) for piece in newest[1:]][-1] is not None
    assert [together.take(piece) for piece in oldest[1:]][-1] is None


@pytest.mark.parametrize(
    ("piece", "why"),
    [
        (b"", "is no piece"),
        (b"TFMQ", "is no piece"),
        (b"X" * 40, "is no piece"),
        (struct.pack("<4sB3x16sII", b"TFMQ", 2, NAME, 0, 1), "speaks version 2"),
        (struct.pack("<4sB3x16sII", b"TFMQ", 1, NAME, 1, 1), "has piece 1 of 1"),
        (struct.pack("<4sB3x16sII", b"TFMQ", 1, NAME, 0, 0), "has piece 0 of 0"),
        (struct.pack("<4sB3x16sII", b"TFMQ", 1, NAME, 0, 1 << 31), "has piece 0 of 2147483648"),
    ],
)
def test_what_is_no_piece(piece: bytes, why: str) -> None:
    with pytest.raises(MessageError, match=why):
        Pieces().take(piece)


def test_pieces_that_disagree_about_their_number() -> None:
    together = Pieces()
    together.take(struct.pack("<4sB3x16sII", b"TFMQ", 1, NAME, 0, 2))
    with pytest.raises(MessageError, match="has 2 pieces, but one says 3"):
        together.take(struct.pack("<4sB3x16sII", b"TFMQ", 1, NAME, 1, 3))


def test_a_message_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 3000)
    together = Pieces()
    cut = list(pieces_of(NAME, b"x" * 5000, LEAST_PACKET))
    fit = 3000 // (LEAST_PACKET - AROUND - 32)
    assert not any(together.take(piece) for piece in cut[:fit])
    with pytest.raises(MessageError, match="is longer than 3000 bytes"):
        together.take(cut[fit])
