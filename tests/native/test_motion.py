"""The motion front end in C, run by Python, against the oracle."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tifed.errors import UsageError
from tifed.native.motion import compiled, features
from tifed.rule.signal.motion import MotionFrontEnd


@pytest.mark.slow(5)
@settings(max_examples=150, deadline=None)
@given(
    axes=st.integers(1, 12), window=st.integers(16, 256), mirrored=st.integers(0, 4095),
    worn=st.booleans(), threads=st.integers(1, 3), seed=st.integers(0, 1 << 32),
)  # fmt: skip
def test_c_equals_the_oracle(
    axes: int, window: int, mirrored: int, worn: bool, threads: int, seed: int
) -> None:
    turned = tuple(axis for axis in range(axes) if mirrored >> axis & 1)
    front_end = MotionFrontEnd(axes, window, turned)
    rng = np.random.default_rng(seed)
    windows = rng.integers(-32768, 32768, (20, window, axes)).astype(np.int16)
    windows[1::4] = rng.choice([-32768, 32767], windows[1::4].shape)
    windows[2::4] >>= rng.integers(4, 14)  # faint
    windows[3::4] = np.cumsum(windows[3::4] >> 6, axis=1)
    wanted = front_end.compute_all(front_end.mirror(windows) if worn else windows)
    np.testing.assert_array_equal(features(front_end, windows, threads, mirrored=worn), wanted)
    made = compiled(front_end)
    assert (made.memory, made.features) == (front_end.memory, front_end.features)


def test_what_is_wrong_is_named() -> None:
    front_end = MotionFrontEnd(2, 16)
    with pytest.raises(UsageError, match="windows"):
        features(front_end, np.zeros((1, 15, 2), np.int16))
    with pytest.raises(UsageError, match="threads"):
        features(front_end, np.zeros((1, 16, 2), np.int16), 0)
