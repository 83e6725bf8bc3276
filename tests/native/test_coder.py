"""The coder in C, run by Python, against the oracle."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tifed.errors import UsageError
from tifed.native import _native, coder
from tifed.rule.compression import coder as oracle
from tifed.rule.compression.coder import MAX_BITS, START, Frame, FrameError


@st.composite
def rows(draw: st.DrawFn) -> tuple[NDArray[np.int64], int]:
    """Numbers, few or many of them 0, and the bits that they have at most."""
    bits, count = draw(st.integers(1, MAX_BITS)), draw(st.integers(0, 400))
    rng = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    lengths = rng.integers(1, bits + 1, count)
    magnitudes = rng.integers(1 << (lengths - 1), 1 << lengths)
    zero = rng.random(count) < draw(st.sampled_from([0, 0.3, 0.8, 0.97, 1]))
    return np.where(zero, 0, magnitudes * rng.choice([-1, 1], count)), bits


@pytest.mark.no_cover
@settings(max_examples=200, deadline=None)
@given(row=rows(), start=st.just(START) | st.integers(0, 65_535), room=st.integers(0, 90))
def test_frames_and_lengths_are_the_oracles(
    row: tuple[NDArray[np.int64], int], start: int, room: int
) -> None:
    q, bits = row
    cut = oracle.frames(q, bits, start, 3 * bits + room)
    assert coder.frames(q, bits, start, 3 * bits + room) == cut
    length = sum(len(frame.data) for frame in cut)
    assert coder.coded_length(q, bits, start, 3 * bits + room) == (length, len(cut))
    for frame in cut:
        numbers, after = oracle.decode(frame)
        found, found_after = coder.decode(frame)
        np.testing.assert_array_equal(found, numbers)
        assert found_after == after


def meaning(
    decode: Callable[[Frame], tuple[NDArray[np.int16], int]], frame: Frame
) -> tuple[list[int], int] | str:
    """The numbers and the next start, or the error."""
    try:
        numbers, after = decode(frame)
    except FrameError as refused:
        return str(refused)
    return numbers.tolist(), after


@pytest.mark.no_cover
@settings(max_examples=500, deadline=None)
@given(
    data=st.binary(max_size=12)
    | st.lists(st.sampled_from([0, 1, 128, 254, 255]), max_size=9).map(bytes),
    count=st.integers(0, 40),
    bits=st.integers(1, MAX_BITS),
    start=st.integers(0, 65_535),
)
def test_any_bytes_mean_the_same(data: bytes, count: int, bits: int, start: int) -> None:
    frame = Frame(data, count, bits, start)
    assert meaning(coder.decode, frame) == meaning(oracle.decode, frame)


def test_a_long_row_has_the_length_of_its_frames() -> None:
    """Past what the oracle is quick enough for: the host's own loop against the device's."""
    rng = np.random.default_rng(3)
    for bits, top in ((1, 1), (3, 7), (7, 127)):
        q = rng.integers(-top, top + 1, 60_000) * (rng.random(60_000) < 0.3)
        for capacity in (51, 222, 1024):
            cut = coder.frames(q, bits, START, capacity)
            length = sum(len(frame.data) for frame in cut)
            assert coder.coded_length(q, bits, START, capacity) == (length, len(cut))
            assert sum(frame.count for frame in cut) == len(q)


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(UsageError, match="q: 0..2 is not within -1..1"):
        coder.coded_length(np.array([0, 2]), 1, START, 51)
    with pytest.raises(UsageError, match="capacity: 2 bytes are fewer than 3"):
        coder.encode(np.array([0]), 1, START, 2)
    with pytest.raises(UsageError, match="count: -1 is below 0"):
        coder.decode(Frame(b"", -1, 1, START))


def test_the_extension_itself_refuses_what_would_not_fit() -> None:
    q, out = np.array([0, 2], np.int16), np.empty(60, np.uint8)
    with pytest.raises(ValueError, match="q: one needs more bits"):
        _native.coder_length(q, bits=1, start=START, capacity=51)
    with pytest.raises(ValueError, match="bits: not in"):
        _native.coder_encode(q, bits=16, start=START, out=out)
    with pytest.raises(ValueError, match="capacity: not in"):
        _native.coder_encode(q, bits=7, start=START, out=out[:20])
    with pytest.raises(ValueError, match="start: not in"):
        _native.coder_decode(out, bits=7, start=-1, out=q)
