"""Which class is taken for which."""

import numpy as np
from numpy.typing import NDArray

from tifed.experiment.report.svg import WIDTH, Drawing, whole_numbers
from tifed.experiment.report.theme import BLUE, ORANGE

_MOST_NUMBERS = 20  # classes; beyond that a number does not fit its cell
_LONGEST = 14  # letters of a name
_MOST_NAMES = 40  # classes; beyond that a name does not fit its line


def confusion_picture(counts: NDArray[np.int64], class_names: tuple[str, ...]) -> Drawing:
    """Rows are true classes, columns answers; right ones blue, wrong ones orange.

    The strength of a cell's colour is the square root of its share of the row, for a class that is
    missed once in a hundred would not show otherwise.

    Args:
        counts: int64 (C, C).
        class_names: C names.
    """
    classes = len(counts)
    names = [shortened(name) for name in class_names]
    if classes > _MOST_NAMES:
        shown = whole_numbers(0, classes - 1)
        names = [str(n) if n in shown else "" for n in range(classes)]
    longest = max(map(len, names))
    small = "small " if classes > 12 else ""
    left = 30 + longest * (6 if small else 7)
    width = (WIDTH - 4 - left) / classes
    height = min(width, 300 / classes)
    bottom = 4 + height * classes
    turned = longest > 3
    whole = bottom + (24 + 5 * longest if turned else 20) + 18
    right = int(np.trace(counts))
    drawing = Drawing(
        whole, f"Confusion matrix: {right:,} of {int(counts.sum()):,} answers are right"
    )
    totals = counts.sum(axis=1)
    for row, column in np.argwhere(counts):
        count, share = counts[row, column], counts[row, column] / totals[row]
        drawing.add(
            "rect", title=f"{class_names[row]} taken for {class_names[column]}: {count:,} of "
            f"{totals[row]:,} ({share:.1%})",
            x=left + column * width, y=4 + row * height, width=width, height=height,
            fill=BLUE if row == column else ORANGE, fill_opacity=share**0.5,
        )  # fmt: skip
        if classes <= _MOST_NUMBERS:
            look = small + ("on-colour" if share > 0.3 else "")
            x, y = left + (column + 0.5) * width, 4 + (row + 0.5) * height
            drawing.text(x, y + (3 if small else 4), f"{count}", look)
    if classes <= _MOST_NAMES:  # a faint line between cells
        lines = [f"M{left} {4 + n * height:.1f}H{WIDTH - 4}" for n in range(1, classes)]
        lines += [f"M{left + n * width:.1f} 4V{bottom:.1f}" for n in range(1, classes)]
        drawing.add("path", "grid", d="".join(lines))
    for number, name in enumerate(names):
        drawing.text(left - 6, 8 + (number + 0.5) * height, name, f"{small}faint", "end")
        x = left + (number + 0.5) * width
        if turned:
            drawing.text(x + 4, bottom + 12, name, f"{small}faint", "end", -45)
        else:
            drawing.text(x, bottom + 15, name, f"{small}faint")
    drawing.text((left + WIDTH) / 2, whole - 4, "answer of the model", "faint")
    drawing.text(13, bottom / 2, "true class", "faint", turn=-90)
    return drawing


def shortened(name: str) -> str:
    """A name that leaves room for the picture."""
    return name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"
