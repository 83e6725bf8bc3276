"""Accuracy and training error over rounds."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tifed.experiment.report.theme import BLUE, ORANGE, new_figure, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_MARKERS = 40  # points; more of them hide the line


def accuracy_curve(
    rounds: Sequence[int], accuracies: Sequence[float | None], held_out: str, samples: int
) -> "Figure":
    """Accuracy on held-out data after each round that was evaluated.

    Args:
        rounds: numbers, 1 or more, ascending.
        accuracies: fractions; None where the model was not evaluated.
        held_out: what it was evaluated on: "test", "validation" or "held-out".
        samples: how many of those there are.
    """
    label = f"accuracy on {samples:,} {held_out} samples"
    return _curve(rounds, accuracies, label, BLUE)


def training_error_curve(rounds: Sequence[int], errors: Sequence[float | None]) -> "Figure":
    """Share of a round's training samples that a device got wrong before learning from them."""
    return _curve(rounds, errors, "wrong before each update", ORANGE)


def _curve(
    rounds: Sequence[int], values: Sequence[float | None], label: str, colour: str
) -> "Figure":
    """Percentages over rounds, 0 to 100 %, the last one written out."""
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    figure = new_figure(5.6, 3.1)
    axes = plain(figure.add_subplot())
    points = [(x, y) for x, y in zip(rounds, values, strict=True) if y is not None]
    if points:
        x, y = zip(*points, strict=True)
        marker = "o" if len(points) <= _MOST_MARKERS else None
        axes.plot(x, y, color=colour, linewidth=2, marker=marker, markersize=4, clip_on=False)
        axes.plot(x[-1], y[-1], "o", color=colour, markersize=7, clip_on=False)
        above = y[-1] < 0.88
        axes.annotate(
            f"{y[-1]:.2%}", (x[-1], y[-1]), xytext=(0, 9 if above else -9),
            textcoords="offset points", ha="right", va="bottom" if above else "top",
            fontweight="bold",
        )  # fmt: skip
    else:
        axes.text(0.5, 0.5, "not measured", transform=axes.transAxes, ha="center")
    axes.set_xlim(min(1, rounds[0]), max(2, rounds[-1]))
    axes.set_ylim(0, 1)
    axes.set_xlabel("round")
    axes.set_title(label, loc="left", fontsize=10)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    return figure
