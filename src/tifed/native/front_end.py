"""Front ends in C: the device's own code, microseconds a sample here; equal to the oracle."""

import numpy as np
from numpy.typing import NDArray

from tifed.native import _native, arguments
from tifed.native.engine import default_threads
from tifed.rule.front_end import FrontEnd


def features(
    front_end: FrontEnd,
    samples: NDArray[np.int8],
    threads: int | None = None,
    out: NDArray[np.int8] | None = None,
) -> NDArray[np.int8]:
    """Features int8 (N, F) of samples int8 (N, D), while other Python threads run.

    Args:
        front_end: with F features from samples of D values.
        samples: rows in the order row, column, channel.
        threads: 1..4096; default one per processor; changes no result.
        out: where to write the features; default a new array.

    Raises:
        UsageError: naming the argument that is wrong.
    """
    arguments.array("samples", samples, np.int8, (None, front_end.input_features))
    shape = (len(samples), front_end.features)
    found = np.empty(shape, np.int8) if out is None else out
    arguments.array("out", found, np.int8, shape, writable=True)
    count = default_threads() if threads is None else arguments.whole("threads", threads, 1, 4096)
    compiled(front_end).write_features(samples, found, threads=count)
    return found


def compiled(front_end: FrontEnd) -> _native.FrontEnd:
    """The front end as C has it."""
    height, width, channels = front_end.input_shape
    parts = front_end.parts
    return _native.FrontEnd(
        height=height, width=width, channels=channels,
        directions=parts.directions, merged=parts.merged, second_order=parts.second_order,
    )  # fmt: skip
