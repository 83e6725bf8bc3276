"""Front ends in C, run by Python, against the oracle."""

import struct
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tifed.errors import UsageError
from tifed.native import _native, choice
from tifed.native.front_end import compiled, features
from tifed.rule import front_end as oracle
from tifed.rule.front_end import EDGE_FRONT_ENDS, FrontEnd, front_end_memory

FRONT_END = FrontEnd("edges", (4, 5, 1))


@pytest.mark.slow(5)
@settings(max_examples=150, deadline=None)
@given(
    name=st.sampled_from(list(EDGE_FRONT_ENDS)),
    height=st.integers(4, 40),
    width=st.integers(4, 40),
    channels=st.sampled_from([1, 3]),
    count=st.integers(0, 70),
    threads=st.integers(1, 3),
    seed=st.integers(0, 1 << 32),
)
def test_c_equals_the_oracle(
    name: str, height: int, width: int, channels: int, count: int, threads: int, seed: int
) -> None:
    front_end = FrontEnd(name, (height, width, channels))
    rng = np.random.default_rng(seed)
    samples = rng.integers(-128, 128, (count, front_end.input_features)).astype(np.int8)
    samples[1::4] = rng.choice([-128, 127], samples[1::4].shape)
    samples[2::4] //= 16  # faint
    samples[3::4] = np.where(rng.random(samples[3::4].shape) < 0.02, 127, -128)  # alone, so loud
    wanted = oracle.features(front_end, samples)
    np.testing.assert_array_equal(features(front_end, samples, threads), wanted)
    out = np.zeros_like(wanted)
    assert features(front_end, samples, out=out) is out
    np.testing.assert_array_equal(out, wanted)


@settings(max_examples=100, deadline=None)
@given(
    name=st.sampled_from(list(EDGE_FRONT_ENDS)),
    height=st.integers(4, 300),
    width=st.integers(4, 4096),
    channels=st.sampled_from([1, 3]),
)
def test_sizes_are_what_the_core_says(name: str, height: int, width: int, channels: int) -> None:
    front_end = FrontEnd(name, (height, width, channels))
    made = compiled(front_end)
    memory = front_end_memory(front_end)  # with 14 pointers of 32 bits and one, if any
    longer = struct.calcsize("P") - 4
    assert made.memory == memory.total + 16 * longer * front_end.parts.second_order
    assert (made.inputs, made.outputs) == (front_end.input_features, front_end.features)


@pytest.mark.parametrize("name", ["octants", "octants-second-order"])
@pytest.mark.parametrize("shape", [(4, 4096, 3), (4096, 4, 1)])
def test_the_largest_sides(name: str, shape: tuple[int, int, int]) -> None:
    front_end = FrontEnd(name, shape)
    samples = np.random.default_rng(1).integers(-128, 128, (1, front_end.input_features))
    wanted = oracle.features(front_end, samples.astype(np.int8))
    np.testing.assert_array_equal(features(front_end, samples.astype(np.int8)), wanted)


def test_without_the_extension_the_oracle_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = np.random.default_rng(2).integers(-128, 128, (3, 20)).astype(np.int8)
    wanted = oracle.features(FRONT_END, samples)
    np.testing.assert_array_equal(choice.front_end_features(FRONT_END, samples), wanted)
    np.testing.assert_array_equal(
        choice.front_end_features(FRONT_END, np.repeat(samples, 2, axis=0)[::2]), wanted
    )
    monkeypatch.setitem(sys.modules, "tifed.native.front_end", None)
    monkeypatch.delattr("tifed.native.front_end")
    np.testing.assert_array_equal(choice.front_end_features(FRONT_END, samples), wanted)
    with pytest.raises(UsageError, match="samples: 19 values each"):
        choice.front_end_features(FRONT_END, samples[:, 1:])


def test_wrong_arguments_are_named() -> None:
    samples = np.zeros((4, 20), np.int8)
    with pytest.raises(UsageError, match=r"samples: shape \(4, 19\) is not \(any, 20\)"):
        features(FRONT_END, np.zeros((4, 19), np.int8))
    with pytest.raises(UsageError, match="threads: 0 is not in 1..4096"):
        features(FRONT_END, samples, threads=0)
    with pytest.raises(UsageError, match=r"out: shape \(4, 3\) is not \(4, 24\)"):
        features(FRONT_END, samples, out=np.zeros((4, 3), np.int8))


def test_the_extension_itself_cannot_be_made_to_read_past_an_array() -> None:
    """What memory safety rests on is checked in C++ as well."""
    made = compiled(FRONT_END)
    samples, out = np.zeros((2, 20), np.int8), np.zeros((2, 24), np.int8)
    with pytest.raises(ValueError, match="out: another shape"):
        made.write_features(samples, out[:1], threads=1)
    with pytest.raises(ValueError, match="samples: not as long"):
        made.write_features(np.zeros((2, 19), np.int8), out, threads=1)
    with pytest.raises(ValueError, match="threads: not in"):
        made.write_features(samples, out, threads=0)
    octants: dict[str, Any] = {
        "height": 4, "width": 4, "channels": 1,
        "directions": 8, "merged": True, "second_order": True,
    }  # fmt: skip
    assert _native.FrontEnd(**octants).outputs == 16
    for wrong in (
        {"height": 3}, {"height": 4097}, {"channels": 2}, {"directions": 5},
        {"directions": 4}, {"merged": False},  # second order follows octants alone
    ):  # fmt: skip
        with pytest.raises(ValueError, match="front end: a number is out of range"):
            _native.FrontEnd(**{**octants, **wrong})
