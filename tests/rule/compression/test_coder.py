"""The coder for short updates: what it takes, how short that is, and what it refuses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tifed.errors import UsageError
from tifed.rule.compression.coder import (
    MAX_BITS,
    START,
    Frame,
    FrameError,
    Model,
    bits_of,
    coded_length,
    decode,
    encode,
    frames,
)


def skewed(bits: int, count: int, zeros: float, seed: int) -> NDArray[np.int64]:
    """Numbers of which ``zeros`` in 1 are 0 and the rest has any number of bits."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, bits + 1, count)
    magnitudes = rng.integers(1 << (lengths - 1), 1 << lengths)
    signed = magnitudes * rng.choice([-1, 1], count)
    q: NDArray[np.int64] = np.where(rng.random(count) < zeros, 0, signed)
    return q


def entropy(q: NDArray[np.int64]) -> float:
    """Bits a number, if nothing is known but how often each comes."""
    share = np.unique(q, return_counts=True)[1] / len(q)
    return float(-(share * np.log2(share)).sum())


def decoded(data: bytes, count: int, bits: int, start: int) -> NDArray[np.int16] | None:
    """The numbers, or None where they are refused."""
    try:
        return decode(Frame(data, count, bits, start))[0]
    except FrameError:
        return None


@settings(max_examples=150, deadline=None)
@given(
    bits=st.integers(1, MAX_BITS),
    count=st.integers(0, 300),
    zeros=st.sampled_from([0, 0.3, 0.8, 0.97, 1]),
    start=st.just(START) | st.integers(0, 65_535),
    room=st.integers(0, 60),
    seed=st.integers(0, 1 << 32),
)
def test_frames_give_back_the_numbers(
    bits: int, count: int, zeros: float, start: int, room: int, seed: int
) -> None:
    q, capacity = skewed(bits, count, zeros, seed), 3 * bits + room
    cut = frames(q, bits, start, capacity)
    assert all(frame.count > 0 and len(frame.data) <= capacity for frame in cut)
    assert all(
        len(frame.data) >= capacity - 1 - (10 * (2 * bits - 1) + 1) // 8 for frame in cut[:-1]
    )
    for frame in cut:
        assert frame.start == start
        numbers, start = decode(frame)
        np.testing.assert_array_equal(numbers, q[: frame.count])
        q = q[frame.count :]
    assert not len(q)


@settings(max_examples=400, deadline=None)
@given(
    data=st.binary(max_size=12)
    | st.lists(st.sampled_from([0, 1, 128, 254, 255]), max_size=9).map(bytes),
    count=st.integers(0, 40),
    bits=st.integers(1, MAX_BITS),
    start=st.integers(0, 65_535),
)
def test_any_bytes_are_refused_or_are_those_of_their_numbers(
    data: bytes, count: int, bits: int, start: int
) -> None:
    q = decoded(data, count, bits, start)
    if q is not None:
        assert len(q) == count
        assert np.abs(q.astype(np.int64)).max(initial=0) < 1 << bits
        assert encode(q.astype(np.int64), bits, start, 500)[0] == Frame(data, count, bits, start)


@pytest.mark.parametrize("bits", [1, 3, 7, 15])
def test_bytes_that_are_cut_off_or_too_many_are_refused(bits: int) -> None:
    frame, _ = encode(skewed(bits, 200, 0.6, bits), bits, START, 1000)
    assert decoded(frame.data, frame.count, bits, START) is not None
    for end in (b"\0", b"\0\0", b"\1", bytes(9)):
        assert decoded(frame.data + end, frame.count, bits, START) is None
    # What is cut off reads as zeros: by chance these stand for just as many other numbers.
    shorter = [frame.data[:end] for end in range(len(frame.data))]
    taken = sum(decoded(data, frame.count, bits, START) is not None for data in shorter)
    assert taken <= len(shorter) // 10
    assert decoded(frame.data, frame.count + 90, bits, START) is None
    assert decoded(b"\xff\xff\xff\xff", 1, bits, START) is None


@pytest.mark.no_cover
@pytest.mark.parametrize("zeros", [0.5, 0.66, 0.72, 0.8, 0.9, 0.97, 0.99])
@pytest.mark.parametrize("capacity", [51, 222, 1024])
def test_ternary_numbers_take_little_more_than_their_entropy(zeros: float, capacity: int) -> None:
    q = skewed(1, 20_000, zeros, 1)
    length, _ = coded_length(q, 1, START, capacity)
    assert 8 * length / len(q) <= entropy(q) + 0.018


@pytest.mark.no_cover
def test_the_goal_for_ternary_numbers_is_met() -> None:
    """1.06 bits of entropy in no more than 1.08, frames of every size included."""
    q = skewed(1, 30_000, 0.75, 2)
    assert 1.055 < entropy(q) < 1.065
    for capacity in (51, 222, 256, 1024):
        assert 8 * coded_length(q, 1, START, capacity)[0] / len(q) < entropy(q) + 0.02


def test_rows_that_differ_take_less_than_the_entropy_of_all() -> None:
    q = np.concatenate([skewed(1, 200, zeros, n) for n, zeros in enumerate([0.2, 0.95] * 20)])
    assert 8 * coded_length(q, 1, START, 222)[0] / len(q) < 0.95 * entropy(q)


@given(bits=st.integers(1, MAX_BITS), start=st.integers(0, 65_535))
def test_a_start_is_what_is_known_before_the_first_number(bits: int, start: int) -> None:
    middle = min(start >> 12, bits - 2) if bits > 1 else 0
    start = start & 0xFFF | middle << 12 if bits > 1 else start & 0xFF
    assert Model(bits, start).start == start


def test_what_was_known_is_worth_something() -> None:
    """A frame that starts from the one before is shorter than one that starts from nothing."""
    for bits, zeros in ((1, 0.97), (7, 0.1)):
        q = skewed(bits, 400, zeros, 5)
        _, start = encode(q[:200], bits, START, 1000)
        known, _ = encode(q[200:], bits, start, 1000)
        unknown, _ = encode(q[200:], bits, START, 1000)
        assert len(known.data) < len(unknown.data)


def test_bits_of_the_largest_magnitudes() -> None:
    assert [bits_of(top) for top in (1, 7, 127, 128, 32_767)] == [1, 3, 7, 8, 15]


@pytest.mark.parametrize(
    ("q", "bits", "start", "capacity", "says"),
    [
        ([0, 2], 1, START, 51, r"q: 0..2 is not within -1..1 \(bits = 1\)"),
        ([0, -128], 7, START, 51, "q: -128..0 is not within -127..127"),
        ([0], 0, START, 51, "bits: 0 is not in 1..15"),
        ([0], 16, START, 51, "bits: 16 is not in 1..15"),
        ([0], 7, 65_536, 51, "start: 65536 is not in 0..65535"),
        ([0], 7, -1, 51, "start: -1 is not in 0..65535"),
        ([0], 7, START, 20, r"capacity: 20 bytes are fewer than 21 \(3 times bits\)"),
        ([[0]], 7, START, 51, r"q: int64 of shape \(1, 1\) is not a row of integers"),
    ],
)
def test_what_cannot_be_is_named(
    q: object, bits: int, start: int, capacity: int, says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        encode(np.array(q), bits, start, capacity)


def test_a_frame_that_cannot_be_is_named() -> None:
    with pytest.raises(UsageError, match="count: -1 is below 0"):
        decode(Frame(b"", -1, 1, START))
    with pytest.raises(UsageError, match="start: 65536"):
        decode(Frame(b"", 1, 1, 65_536))
    with pytest.raises(FrameError, match="its 2 bytes are not how 1 numbers are coded"):
        decode(Frame(b"\1\0", 1, 1, START))
