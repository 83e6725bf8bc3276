"""A partition as a picture: what each device owns."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tifed.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_BARS = 40  # devices; more bars cannot be told apart
_MOST_COLOURS = 20  # classes; as many as the palette has


def picture(
    table: NDArray[np.int64], class_names: tuple[str, ...] | None = None, title: str = ""
) -> "Figure":
    """Draw who owns how many samples of which class.

    Up to 40 devices and 20 classes: a bar per device, stacked by class. Beyond that a heat map of
    devices and classes, with each device's number of samples beneath it.

    Args:
        table: int64 (K, C), from `Partition.table`.
        class_names: C names; numbers if None.
        title: above the picture.

    Returns:
        A figure that belongs to no window; save it with ``figure.savefig(path)``.

    Raises:
        UsageError: if the names are not one per class.
    """
    devices, classes = table.shape
    names = class_names or tuple(str(label) for label in range(classes))
    if len(names) != classes:
        raise UsageError(f"class_names: {len(names)} names for {classes} classes; give one each")
    bars = devices <= _MOST_BARS and classes <= _MOST_COLOURS
    figure = _bars(table, names) if bars else _heat_map(table, names)
    if title:
        figure.suptitle(title)
    return figure


def _bars(table: NDArray[np.int64], names: tuple[str, ...]) -> "Figure":
    """A stacked bar per device."""
    from matplotlib import colormaps
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    devices, classes = table.shape
    figure = Figure(figsize=(max(6.0, 3.0 + 0.28 * devices), 4.0), layout="constrained")
    axes = figure.add_subplot()
    palette = colormaps["tab10" if classes <= 10 else "tab20"]
    bottom = np.zeros(devices, dtype=np.int64)
    for label, name in enumerate(names):
        axes.bar(
            np.arange(devices), table[:, label], bottom=bottom, color=palette(label), label=name
        )
        bottom = bottom + table[:, label]
    axes.set_xlabel("device")
    axes.set_ylabel("samples")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(loc="outside right center", title="class", fontsize="small")
    return figure


def _heat_map(table: NDArray[np.int64], names: tuple[str, ...]) -> "Figure":
    """Devices across, classes down, the number of samples as darkness."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    devices, classes = table.shape
    figure = Figure(figsize=(9.0, 5.5), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    image = upper.imshow(
        table.T, aspect="auto", interpolation="nearest", cmap="Blues", origin="lower"
    )
    figure.colorbar(image, ax=upper, label="samples")
    if classes <= _MOST_COLOURS:
        upper.set_yticks(np.arange(classes), names, fontsize="small")
    upper.set_ylabel("class")
    # A filled step line: a thousand bars would take seconds to draw.
    lower.stairs(table.sum(axis=1), np.arange(devices + 1) - 0.5, fill=True, color="tab:gray")
    lower.set_xlabel("device")
    lower.set_ylabel("samples")
    lower.set_ylim(bottom=0)
    lower.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure
