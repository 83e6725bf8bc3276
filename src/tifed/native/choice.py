"""What computes: an engine by its name in an experiment; C for a front end where it can be."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tifed.errors import UsageError
from tifed.rule import front_end as front_ends
from tifed.rule.learning.engine import Engine, Oracle
from tifed.rule.signal.motion import MotionFrontEnd


def _native() -> Engine:
    """The C core; imported late, for an installation without a compiler lacks it."""
    from tifed.native.engine import Native

    return Native()


ENGINES: dict[str, Callable[[], Engine]] = {"oracle": Oracle, "native": _native}
"""What makes each engine, by the name that an experiment gives it."""


def engine(name: str) -> Engine:
    """The engine called ``name``.

    Raises:
        UsageError: if there is none, or this installation lacks it.
    """
    if name not in ENGINES:
        raise UsageError(f"engine: {name!r} is not one of {', '.join(ENGINES)}")
    return ENGINES[name]()


def front_end_features(
    front_end: front_ends.FrontEndBase, samples: NDArray[np.int8]
) -> NDArray[np.int8]:
    """Features int8 (N, F) of samples int8 (N, D), in C where this installation has it.

    Raises:
        UsageError: if the samples have another type or length.
    """
    if not isinstance(front_end, front_ends.FrontEnd):
        return front_end.compute(samples)
    front_ends.check_samples(front_end, samples)
    try:
        from tifed.native import front_end as native
    except ImportError:
        return front_end.compute(samples)
    return native.features(front_end, np.ascontiguousarray(samples))


def motion_features(front_end: MotionFrontEnd, windows: NDArray[np.int16]) -> NDArray[np.int8]:
    """Features int8 (N, F) of windows int16 (N, window, axes), in C where this installation has it.

    Raises:
        UsageError: if the windows have another type or shape.
    """
    front_end.check(windows)
    try:
        from tifed.native import motion as native
    except ImportError:
        return front_end.compute_all(windows)
    return native.features(front_end, np.ascontiguousarray(windows))
