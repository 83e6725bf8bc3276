"""Log-mel energies in C: the device's own code, a millisecond a recording; equal to the oracle."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tifed.native import _native, arguments
from tifed.native.engine import default_threads
from tifed.rule.signal.log_mel import LogMel, check_recording

PIECE = 256
"""Samples that arrive at a time."""


def features(
    front_end: LogMel,
    recordings: Sequence[NDArray[np.int16]],
    threads: int | None = None,
    *,
    piece: int = PIECE,
) -> NDArray[np.int8]:
    """Features int8 (N, F) of N recordings, each int16 (T, 1), while other Python threads run.

    Args:
        front_end: with F features.
        recordings: at 8 kHz, of any length.
        threads: 1..4096; default one per processor; changes no result.
        piece: samples that arrive at a time, 1 or more; changes no result.

    Raises:
        UsageError: naming the argument that is wrong.
    """
    for recording in recordings:
        check_recording(recording)
    found = np.empty((len(recordings), front_end.features), np.int8)
    count = default_threads() if threads is None else arguments.whole("threads", threads, 1, 4096)
    _native.log_mel(
        np.concatenate([np.empty(0, np.int16), *(one[:, 0] for one in recordings)]),
        np.cumsum([len(one) for one in recordings], dtype=np.int64),
        rows=front_end.rows or 0,
        piece=arguments.whole("piece", piece, 1, (1 << 31) - 1),
        out=found,
        threads=count,
    )
    return found
