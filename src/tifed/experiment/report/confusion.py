"""Which class is taken for which."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tifed.experiment.report.theme import BLUE, ON_COLOUR, ORANGE, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_NUMBERS = 20  # classes; beyond that a number does not fit its cell
_LONGEST = 14  # letters of a name
_MOST_NAMES = 40  # classes; beyond that a name does not fit its line


def confusion_picture(counts: NDArray[np.int64], class_names: tuple[str, ...]) -> "Figure":
    """Rows are true classes, columns answers; right ones blue, wrong ones orange.

    The strength of a cell's colour is the square root of its share of the row, for a class that is
    missed once in a hundred would not show otherwise.

    Args:
        counts: int64 (C, C).
        class_names: C names.
    """
    from matplotlib.colors import to_rgb
    from matplotlib.ticker import MaxNLocator

    classes = len(counts)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    colours = np.empty((classes, classes, 4))
    colours[..., :3] = to_rgb(ORANGE)
    colours[np.arange(classes), np.arange(classes), :3] = to_rgb(BLUE)
    colours[..., 3] = np.sqrt(share)  # transparent where there is none, so the paper shows

    size = min(8.0, max(4.0, 1.6 + 0.42 * classes))
    figure = new_figure(size, size * 0.9)
    axes = figure.add_subplot()
    axes.imshow(colours, interpolation="nearest")
    if classes <= _MOST_NUMBERS:
        for row, column in np.ndindex(classes, classes):
            if counts[row, column]:
                dark = share[row, column] > 0.3
                axes.text(
                    column, row, f"{counts[row, column]}", ha="center", va="center",
                    fontsize=9 if classes <= 12 else 6.5, color="white" if dark else "black",
                    gid=ON_COLOUR if dark else None,
                )  # fmt: skip
    if classes <= _MOST_NAMES:
        names = [_shortened(name) for name in class_names]
        long = any(len(name) > 3 for name in names)
        places = np.arange(classes)
        axes.set_xticks(
            places,
            names,
            rotation=45 if long else 0,
            ha="right" if long else "center",
            rotation_mode="anchor" if long else "default",
        )
        axes.set_yticks(places, names)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    # A faint line between cells.
    axes.set_xticks(np.arange(classes - 1) + 0.5, minor=True)
    axes.set_yticks(np.arange(classes - 1) + 0.5, minor=True)
    if classes <= _MOST_NAMES:
        axes.grid(which="minor", linewidth=0.6)
    axes.tick_params(which="minor", length=0)
    axes.set_xlabel("answer of the model")
    axes.set_ylabel("true class")
    return figure


def _shortened(name: str) -> str:
    """A name that leaves room for the picture."""
    return name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"
