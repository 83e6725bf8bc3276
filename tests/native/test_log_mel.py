"""Log-mel energies in C, run by Python, against the oracle."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tifed.errors import UsageError
from tifed.native import _native
from tifed.native.log_mel import features
from tifed.rule.signal.log_mel import LogMel


@st.composite
def recordings(draw: st.DrawFn) -> list[NDArray[np.int16]]:
    """Of any length and loudness: noise, pulses, tones, with silence before and after."""
    rng = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    made = []
    for length in draw(st.lists(st.integers(1, 3000), min_size=1, max_size=4)):
        loudness = draw(st.sampled_from([1, 2, 9, 300, 8191, 16384, 32767]))
        kind = draw(st.sampled_from(["noise", "pulses", "tone", "constant"]))
        time = np.arange(length)
        values = {
            "noise": rng.integers(-loudness, loudness + 1, length),
            "pulses": np.where(rng.random(length) < 0.02, loudness, 0),
            "tone": np.sign((time * int(rng.integers(1, 4000)) % 8000) - 4000) * loudness,
            "constant": np.full(length, -loudness - 1),
        }[kind]
        first, last = np.sort(rng.integers(0, length + 1, 2))
        values[:first] //= 64
        values[last:] //= 512
        made.append(values.astype(np.int16)[:, np.newaxis])
    return made


@pytest.mark.slow(5)
@settings(max_examples=150, deadline=None)
@given(
    sounds=recordings(),
    rows=st.none() | st.integers(2, 40),
    piece=st.integers(1, 700),
    threads=st.integers(1, 3),
)
def test_c_equals_the_oracle(
    sounds: list[NDArray[np.int16]], rows: int | None, piece: int, threads: int
) -> None:
    front_end = LogMel(rows)
    wanted = np.stack([front_end.compute(one) for one in sounds])
    np.testing.assert_array_equal(features(front_end, sounds, threads, piece=piece), wanted)


def test_the_longest_recording_has_room() -> None:
    longest = np.full((200 + 80 * 8191 - 1, 1), -(1 << 15), np.int16)
    for front_end in (LogMel(), LogMel(1024)):
        np.testing.assert_array_equal(features(front_end, [longest])[0], front_end.compute(longest))
    with pytest.raises(UsageError, match="recording of 1 to 655479 samples"):
        features(LogMel(), [np.zeros((200 + 80 * 8191, 1), np.int16)])


def test_no_recordings_have_no_features() -> None:
    assert features(LogMel(), []).shape == (0, 200)


def test_wrong_arguments_are_named() -> None:
    sound = [np.zeros((300, 1), np.int16)]
    with pytest.raises(UsageError, match=r"readings: int32 \(300, 1\)"):
        features(LogMel(), [sound[0].astype(np.int32)])
    with pytest.raises(UsageError, match="threads: 0 is not in 1..4096"):
        features(LogMel(), sound, threads=0)
    with pytest.raises(UsageError, match="piece: 0 is not in 1.."):
        features(LogMel(), sound, piece=0)


def test_the_extension_itself_cannot_be_made_to_read_past_an_array() -> None:
    """What memory safety rests on is checked in C++ as well."""
    samples, ends, out = np.zeros(9, np.int16), np.array([4, 9]), np.zeros((2, 200), np.int8)
    _native.log_mel(samples, ends, rows=0, piece=4, out=out, threads=1)
    for wrong_ends, why in (
        ([4, 8], "ends: not those of samples"), ([9, 9], "recordings: one is empty"),
        ([12, 9], "recordings: one is empty"), ([0, 9], "recordings: one is empty"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=why):
            _native.log_mel(samples, np.array(wrong_ends), rows=0, piece=4, out=out, threads=1)
    for rows, shape in ((0, (2, 199)), (0, (1, 200)), (3, (2, 200))):
        made = np.zeros(shape, np.int8)
        with pytest.raises(ValueError, match="out: another shape"):
            _native.log_mel(samples, ends, rows=rows, piece=4, out=made, threads=1)
    with pytest.raises(ValueError, match="rows: not in"):
        _native.log_mel(samples, ends, rows=1, piece=4, out=out, threads=1)
