"""A reader of files: a line is a gesture's name, a colon, and its readings."""

from pathlib import Path

import numpy as np

from tifed.data import Table
from tifed.errors import UsageError


def read_gestures(path: Path, missing: bool, *, separator: str = ":") -> tuple[Table, None]:
    """Read lines such as ``wave: 3 1 4``.

    Args:
        path: the file.
        missing: whether values may be missing; in these files none can be.
        separator: what stands between name and readings; ``data.separator`` in an experiment.

    Returns:
        All samples, and None: the file has no test split of its own.
    """
    del missing
    labels, rows = [], []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        name, found, readings = line.partition(separator)
        try:
            rows.append([float(word) for word in readings.split()])
        except ValueError as error:
            raise UsageError(f"{path}: line {number}: {error}") from error
        if not found or len(rows[-1]) != len(rows[0]):
            raise UsageError(
                f"{path}: line {number}: is not NAME{separator} READINGS of one length"
            )
        labels.append(name.strip())
    return Table(np.array(rows), np.array(labels), None, one_unit=True), None
