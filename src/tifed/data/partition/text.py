"""A partition as text, for a terminal or a log."""

import numpy as np
from numpy.typing import NDArray

from tifed.errors import UsageError


def text_table(
    table: NDArray[np.int64], class_names: tuple[str, ...] | None = None, most: int = 16
) -> str:
    """Who owns how many samples of which class, a line per device.

    Args:
        table: int64 (K, C), from `Partition.table`.
        class_names: C names, cut to 10 letters; numbers if None.
        most: devices shown, 1 or more; the others are counted and summed up in the last lines.

    Raises:
        UsageError: if the names are not one per class.

    >>> print(text_table(np.array([[3, 0], [1, 12]])))
    device   0   1  total
         0   3   0      3
         1   1  12     13
       all   4  12     16
    per device: least 3, median 8, most 13 samples; 1 to 2 classes
    """
    devices, classes = table.shape
    names = class_names or tuple(str(label) for label in range(classes))
    if len(names) != classes:
        raise UsageError(f"class_names: {len(names)} names for {classes} classes; give one each")
    rows = [["device", *(name[:10] for name in names), "total"]]
    for device, row in enumerate(table[:most].tolist()):
        rows.append([str(device), *map(str, row), str(sum(row))])
    if devices > most:
        rows.append(["...", *["" for _ in names], f"+{devices - most}"])
    rows.append(["all", *map(str, table.sum(axis=0).tolist()), str(table.sum())])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    ]
    sizes, held = table.sum(axis=1), (table > 0).sum(axis=1)
    lines.append(
        f"per device: least {sizes.min()}, median {np.median(sizes):g}, most {sizes.max()} "
        f"samples; {held.min()} to {held.max()} classes"
    )
    return "\n".join(lines)
