"""The front end of a motion sensor in C: the device's own code; equal to the oracle."""

import numpy as np
from numpy.typing import NDArray

from tifed.native import _native, arguments
from tifed.native.engine import default_threads
from tifed.rule.signal.motion import MotionFrontEnd


def features(
    front_end: MotionFrontEnd,
    windows: NDArray[np.int16],
    threads: int | None = None,
    *,
    mirrored: bool = False,
) -> NDArray[np.int8]:
    """Features int8 (N, F) of windows int16 (N, window, axes), while other Python threads run.

    Args:
        front_end: with F features.
        windows: of readings.
        threads: 1..4096; default one per processor; changes no result.
        mirrored: whether the device is worn on the side of the body where signs change.

    Raises:
        UsageError: naming the argument that is wrong.
    """
    arguments.array("windows", windows, np.int16, (None, front_end.window, front_end.axes))
    found = np.empty((len(windows), front_end.features), np.int8)
    count = default_threads() if threads is None else arguments.whole("threads", threads, 1, 4096)
    compiled(front_end).write_features(windows, found, mirrored=mirrored, threads=count)
    return found


def compiled(front_end: MotionFrontEnd) -> _native.Motion:
    """The front end as C has it."""
    return _native.Motion(
        axes=front_end.axes, window=front_end.window, hop=front_end.hop,
        mirrored=sum(1 << axis for axis in front_end.mirrored),
    )  # fmt: skip
