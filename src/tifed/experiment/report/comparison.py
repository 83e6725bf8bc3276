"""Several runs in one picture: what they learn, and what their devices send for it."""

from collections.abc import Sequence
from pathlib import Path

from tifed.errors import UsageError
from tifed.experiment.report.amounts import byte_unit
from tifed.experiment.report.theme import LIGHT, SERIES, Theme, new_figure, plain, png
from tifed.files.atomic import write_atomically

Row = tuple[str, Sequence[float | None], float]
"""A run's name, its accuracy (a fraction, or None) after each round, and the bytes that each of its
devices sent over the whole run."""

_LABEL = 0.05  # least distance of two labels, as a share of the axis


def comparison_picture(rows: Sequence[Row], path: Path, theme: Theme = LIGHT) -> None:
    """Write a PNG file, 1,800 pixels wide (900 at double density): curves left, bytes right.

    Args:
        rows: one to five runs, in the order in which they are to appear.
        path: of the file.
        theme: colours of the page that it is for.

    Raises:
        UsageError: if there are no or too many rows, a row without a measured accuracy, or the file
            cannot be written.
    """
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    if not 1 <= len(rows) <= len(SERIES):
        raise UsageError(f"rows: {len(rows)} runs; a picture holds 1 to {len(SERIES)}")
    measured = []
    for name, accuracies, _ in rows:
        points = [(n, y) for n, y in enumerate(accuracies, start=1) if y is not None]
        if not points:
            raise UsageError(f"rows: {name!r} has no accuracy; evaluate it at least once")
        measured.append(points)

    figure = new_figure(9, 4.1)
    curves, bars = figure.subplots(1, 2, width_ratios=(1.9, 1))
    plain(curves)
    last = max(points[-1][0] for points in measured)
    for points, colour in zip(measured, SERIES, strict=False):
        x, y = zip(*points, strict=True)
        marker = "o" if len(points) == 1 else None
        curves.plot(x, y, color=colour, linewidth=2, marker=marker, clip_on=False)
    finals = [points[-1][1] for points in measured]
    places = _apart([min(final, 0.96) for final in finals], _LABEL)
    for final, place, colour in zip(finals, places, SERIES, strict=False):
        curves.annotate(
            f"{final:.1%}", (1, place), xycoords=("axes fraction", "data"), xytext=(6, 0),
            textcoords="offset points", va="center", color=colour, fontweight="bold",
            annotation_clip=False, gid="series",
        )  # fmt: skip
    curves.set_xlim(1, max(2, last))
    curves.set_ylim(0, 1)
    curves.set_xlabel("round (each device trains on one buffer)")
    curves.set_title("Accuracy on held-out samples", loc="left", fontweight="bold", fontsize=11)
    curves.xaxis.set_major_locator(MaxNLocator(integer=True))
    curves.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))

    plain(bars, grid="")
    unit, divisor = byte_unit(max(sent for _, _, sent in rows))
    for number, ((name, _, sent), colour) in enumerate(zip(rows, SERIES, strict=False)):
        bars.barh(number, sent / divisor, height=0.3, color=colour)
        bars.annotate(
            name, (0, number - 0.2), xytext=(0, 1), textcoords="offset points", va="bottom",
            color=colour, fontweight="bold", gid="series",
        )  # fmt: skip
        bars.annotate(
            f"{sent / divisor:.3g} {unit}", (sent / divisor, number), xytext=(5, 0),
            textcoords="offset points", va="center",
        )  # fmt: skip
    bars.set_ylim(max(len(rows), 3) - 0.55, -0.65)
    bars.set_xlim(0, max(max(sent for _, _, sent in rows) / divisor, 1e-9) * 1.3)
    bars.set_yticks([])
    bars.set_xlabel(f"{unit} per device, whole run")
    bars.set_title("Sent by each device", loc="left", fontweight="bold", fontsize=11)
    write_atomically(path, png(figure, theme, dots_per_inch=200))


def _apart(values: Sequence[float], distance: float) -> list[float]:
    """``values`` moved as little as it takes for any two to be ``distance`` apart.

    >>> [round(value, 3) for value in _apart([0.86, 0.87, 0.2], 0.05)]
    [0.84, 0.89, 0.2]
    """
    order = sorted(range(len(values)), key=values.__getitem__)
    groups: list[list[int]] = []
    for index in order:
        groups.append([index])
        while len(groups) > 1 and (
            _span(groups[-1], values, distance)[0] - _span(groups[-2], values, distance)[1]
            < distance
        ):
            groups[-2:] = [groups[-2] + groups[-1]]
    places = list(values)
    for group in groups:
        low, _ = _span(group, values, distance)
        for step, index in enumerate(group):
            places[index] = low + step * distance
    return places


def _span(group: Sequence[int], values: Sequence[float], distance: float) -> tuple[float, float]:
    """Lowest and highest place of labels that stand ``distance`` apart around their mean."""
    middle = sum(values[index] for index in group) / len(group)
    half = (len(group) - 1) * distance / 2
    return middle - half, middle + half
