"""Readings of a recorded sensor as bytes for an emulated board's flash (``recorded.h``)."""

import struct

import numpy as np
from numpy.typing import NDArray

from tifed.data.recorded import Recorded

_RECORDING = np.dtype(
    [("first", "<u4"), ("rows", "<u4"), ("label", "<u2"), ("mirrored", "<u2")]
)  # fmt: skip


def recordings_image(recorded: Recorded, labels: NDArray[np.int32]) -> bytes:
    r"""The recordings that a board plays when it starts, one after another.

    Readings that several of them share are there once, and others not at all.

    Args:
        recorded: of each recording its readings.
        labels: int32 (N,), what they are of, each 0..65535.

    >>> every = np.arange(6, dtype=np.int16).reshape(3, 2)
    >>> ones = np.ones(1, np.int64)
    >>> image = recordings_image(Recorded(every, ones, ones, ones > 1), np.array([5], np.int32))
    >>> len(image) == 4 + 12 + 2 * 2, image[-4:]
    (True, b'\x02\x00\x03\x00')
    """
    edges = np.zeros(len(recorded.readings) + 1, np.int64)
    np.add.at(edges, recorded.first, 1)
    np.add.at(edges, recorded.first + recorded.count, -1)
    used = np.cumsum(edges[:-1]) > 0
    place = np.cumsum(used) - 1
    table = np.zeros(len(recorded), _RECORDING)
    table["first"] = place[recorded.first]
    table["rows"] = recorded.count
    table["label"] = labels
    table["mirrored"] = recorded.turned
    readings = recorded.readings[used].astype("<i2")
    return struct.pack("<I", len(table)) + table.tobytes() + readings.tobytes()
