"""Watches: ten people's shoulder exercises, from the motion sensor of a watch."""

import hashlib
import io
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import numpy as np

from tifed.data.builtin.array_pickle import ArrayUnpickler
from tifed.data.motion import motion_dataset
from tifed.data.own_data import assemble
from tifed.data.readings import Mirror, as_readings
from tifed.data.samples import Dataset
from tifed.data.table import Table
from tifed.data.windows import windowed
from tifed.errors import UsageError

FILE = "seglearn/data/watch_dataset.npy"
CONTENT = "eb122f23cdf06ef6bd6c6c5312958ec5cf9d038e2e6d457b8081662c75a42537"
"""SHA-256 of the file in seglearn 1.2.5."""
AXES = ("ax", "ay", "az", "wx", "wy", "wz")
SCALE = (4096.0,) * 3 + (939.65,) * 3
"""Readings per g, and per radian a second: a usual sensor's at 8 g and 2,000 degrees a second."""
EXERCISES = (
    "pendulum", "abduction", "forward elevation", "internal rotation", "external rotation",
    "trapezius extension", "row",
)  # fmt: skip
MIRROR = Mirror(("ax", "wy", "wz"), "left")
"""A left arm's movements are a right arm's in a mirror, which turns these axes round."""
SIDES = ("left", "right")


def load_watches(
    signal: str | None,
    *,
    window: int = 128,
    hop: int = 50,
    held_out_groups: Sequence[str] | str = ("9", "10"),
    mirror: bool = True,
    quantise: str | Path = "per-feature",
) -> Dataset:
    """Load the watches: windows of six axes at 50 readings a second, seven exercises, ten people.

    Groups are people, "1" to "10". Windows are in the order of `recordings`; none lies in two.

    Args:
        signal: "motion" for the features of that front end; None for the readings themselves, one
            after another.
        window: readings of each axis in a window.
        hop: readings between the beginnings of two windows.
        held_out_groups: the people whose windows are the test split.
        mirror: whether a left arm's readings are turned into a right arm's.
        quantise: how readings become int8, without ``signal``.

    Raises:
        UsageError: if the package is not installed or its file is another, or an option is wrong.
    """
    path, table = Path("watches"), recordings()
    turned = MIRROR if mirror else None
    if signal == "motion":
        return motion_dataset(
            path, table, None, window=window, hop=hop, scale=SCALE, mirror=turned,
            held_out_groups=held_out_groups, classes=None, class_names=EXERCISES,
        )  # fmt: skip
    if signal is not None:
        raise UsageError(
            f"front_end: {signal!r} does not take the samples of 'watches', which are windows of a "
            "motion sensor's readings; 'motion' does"
        )
    readings, _ = as_readings(table, SCALE, turned, path)
    windows, _ = windowed(readings, window, hop, None, path)
    return assemble(
        path, windows, None, test_fraction=20, quantise=quantise, classes=None,
        class_names=EXERCISES, held_out_groups=held_out_groups, readings=table,
    )  # fmt: skip


def recordings() -> Table:
    """All recordings one after another, in the file's order; ``segments`` are their numbers.

    Raises:
        UsageError: if the package is not installed or its file is another.
    """
    found = _content()
    each = [len(readings) for readings in found["X"]]

    def of_rows(values: Sequence[object]) -> Any:
        return np.repeat(np.array(list(map(str, values))), each)

    return Table(
        features=np.concatenate(found["X"]),
        labels=of_rows([EXERCISES[label] for label in found["y"]]),
        groups=of_rows(found["subject"]),
        feature_names=AXES,
        segments=np.repeat(np.arange(len(each)), each),
        sides=of_rows([SIDES[int(side)] for side in found["side"]]),
    )


def _content() -> dict[str, Any]:
    """What the file has."""
    try:
        path = Path(str(distribution("seglearn").locate_file(FILE)))
    except PackageNotFoundError as error:
        raise UsageError(
            "dataset: 'watches' is in the package seglearn; install it with "
            "pip install 'tifed[watches]'"
        ) from error
    if not path.is_file():
        raise UsageError(f"dataset: 'watches' needs {path}, which seglearn 1.2.5 has")
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != CONTENT:
        raise UsageError(
            f"dataset: {path} is not the file of seglearn 1.2.5; install it with "
            "pip install 'tifed[watches]'"
        )
    return unpickled(data)


def unpickled(data: bytes) -> dict[str, Any]:
    """The dictionary in a file of numpy's format that holds one object, read without running it.

    Raises:
        pickle.UnpicklingError: if it names more than arrays are made with.
    """
    stream = io.BytesIO(data)
    np.lib.format.read_magic(stream)
    np.lib.format.read_array_header_1_0(stream)
    content: dict[str, Any] = ArrayUnpickler(stream).load().item()
    return content
