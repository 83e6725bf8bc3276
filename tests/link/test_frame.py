"""Frames: what goes in comes out, and nothing else does."""

import os
from random import Random

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
    assert encode(Frame(1, 7, 2)).hex() == "00040101070202010105702cf3b800"


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
