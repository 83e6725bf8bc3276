"""Frames: what goes in comes out, and nothing else does."""

import os
from random import Random
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tifed.link import PAYLOAD, Frame, FrameReader, encode
from tifed.link.frame import cobs_decode, cobs_encode, decode

words = st.integers(0, 0xFFFF)
frames = st.builds(
    Frame,
    st.integers(0, 255),
    words,
    words,
    st.one_of(st.binary(max_size=PAYLOAD), st.binary(max_size=9).map(lambda b: b * 110)),
    st.integers(0, 255),
)


def test_a_frame_as_the_specification_prints_it() -> None:
    assert encode(Frame(1, 7, 2)).hex() == "000403010702020101050d2bd6fa00"


@pytest.mark.parametrize("length", [0, 1, 253, 254, 255, 507, 508, 509])
@pytest.mark.parametrize("tail", [b"", b"\0", b"\1"])
def test_cobs_at_the_ends_of_blocks(length: int, tail: bytes) -> None:
    data = b"\x11" * length + tail
    block = cobs_encode(data)
    assert b"\0" not in block
    assert cobs_decode(block) == data
    assert len(block) <= len(data) + len(data) // 254 + 1


@settings(deadline=None)
@given(st.lists(frames, max_size=4), st.lists(st.integers(1, 300), max_size=20))
def test_frames_arrive_in_whatever_pieces(sent: list[Frame], cuts: list[int]) -> None:
    data = b"".join(map(encode, sent))
    reader = FrameReader()
    received: list[Frame] = []
    for size in cuts:
        received += reader.feed(data[:size])
        data = data[size:]
    received += reader.feed(data)
    assert received == sent


@settings(deadline=None)
@given(frames, st.binary(max_size=5000), st.binary(max_size=300))
def test_it_resynchronises_after_garbage(frame: Frame, garbage: bytes, after: bytes) -> None:
    reader = FrameReader()
    list(reader.feed(garbage))
    assert next(reader.feed(encode(frame) + after)) == frame


@settings(deadline=None)
@given(frames, st.data())
def test_a_spoilt_frame_is_dropped(frame: Frame, data: st.DataObject) -> None:
    block = encode(frame)[1:-1]
    place = data.draw(st.integers(0, len(block) - 1))
    spoilt = bytearray(block)
    spoilt[place] ^= data.draw(st.integers(1, 255))
    # A zero splits it, and neither part is whole.
    for part in bytes(spoilt).split(b"\0"):
        assert decode(part) is None


@settings(max_examples=500, deadline=None)
@given(st.lists(st.binary(max_size=2000), max_size=8))
def test_nothing_makes_the_reader_fail_or_grow(chunks: list[bytes]) -> None:
    reader = FrameReader()
    for chunk in chunks:
        list(reader.feed(chunk))
        assert len(reader._rest) < 2 * PAYLOAD


@pytest.mark.parametrize("filling", [0x11, 0])
def test_a_payload_has_1024_bytes_at_most(filling: int) -> None:
    longest = Frame(1, 0x0101, 0x0101, bytes([filling]) * 1024)
    # Without zeros, but for the one in its length, it is as long as a frame can be on the line.
    assert filling == 0 or len(encode(longest)) - 2 == 8 + 1024 + 4 + 5
    assert list(FrameReader().feed(encode(longest))) == [longest]
    more = Frame(1, 0x0101, 0x0101, bytes([filling]) * 1025)
    assert list(FrameReader().feed(encode(more))) == []


@pytest.mark.parametrize("noise", [1077, 1078, 5000])
@pytest.mark.parametrize("pieces", [1, 2, 3])
def test_the_end_of_a_long_noise_is_no_frame(noise: int, pieces: int) -> None:
    frame, other = Frame(1, 7, 2, b"abc"), Frame(1, 7, 3, b"def")
    reader = FrameReader()
    for size in (noise, 10, 10)[:pieces]:
        assert list(reader.feed(b"\x11" * size)) == []
        assert len(reader._rest) <= 1078
    # What stands behind the noise, up to the next zero, belongs to it; what follows does not.
    assert list(reader.feed(encode(frame)[1:] + encode(other))) == [other]
    assert list(reader.feed(encode(frame)[1:])) == [frame]


def test_what_is_shorter_than_header_and_check_is_no_frame() -> None:
    header = bytes([3, 1, 7, 0, 2, 0, 0, 0])
    for body in (b"", b"\1", header[:7], header):
        block = cobs_encode(body + crc32(body).to_bytes(4, "little"))
        frames = list(FrameReader().feed(b"\0" + block + b"\0"))
        assert frames == ([Frame(1, 7, 2)] if body == header else [])


@pytest.mark.parametrize(
    ("block", "data"),
    [
        (b"\1", b""),
        (b"\1\1", b"\0"),
        (b"\2a\1", b"a\0"),
        (b"\2a", b"a"),
        (b"\3a", None),
        (b"\0", None),
        (b"\2a\0", None),
        (b"\xff" + b"a" * 254, b"a" * 254),
        (b"\xff" + b"a" * 254 + b"\2b", b"a" * 254 + b"b"),
        (b"\xfe" + b"a" * 253 + b"\2b", b"a" * 253 + b"\0b"),
        (b"\xff" + b"a" * 253, None),
        (b"\1\xfe" + b"a" * 253, b"\0" + b"a" * 253),
    ],
)
def test_blocks_by_hand(block: bytes, data: bytes | None) -> None:
    assert cobs_decode(block) == data
    if data is not None:
        assert cobs_encode(data) == block


INPUTS = int(os.environ.get("TIFED_FUZZ_INPUTS", "60000"))
"""``TIFED_FUZZ_INPUTS=10000000`` is the long run."""


def test_a_long_stream_of_noise_and_spoilt_frames() -> None:
    """Only frames that were sent come out, and every whole one does."""
    random = Random(INPUTS)  # noqa: S311
    reader, whole, spoilt = FrameReader(), 0, 0
    for number in range(INPUTS):
        kind = random.randrange(4)
        if kind == 0:
            noise = random.randbytes(random.randrange(60))
            assert not list(reader.feed(noise))
            continue
        frame = Frame(random.randrange(256), 7, number & 0xFFFF, random.randbytes(number % 50))
        data = bytearray(encode(frame))
        if kind == 1:
            data[random.randrange(1, len(data) - 1)] ^= random.randrange(1, 256)
            assert not list(reader.feed(bytes(data)))
            spoilt += 1
        else:
            assert list(reader.feed(bytes(data))) == [frame]
            whole += 1
    assert whole > INPUTS // 3
    assert spoilt > INPUTS // 5
