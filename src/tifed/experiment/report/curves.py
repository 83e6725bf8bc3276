"""Accuracy and training error over rounds."""

from collections.abc import Sequence

from tifed.experiment.report.svg import Drawing, Span, level_axis, upright_axis, whole_numbers
from tifed.experiment.report.theme import BLUE, ORANGE

_MOST_MARKERS = 40  # points; more of them hide the line
_MOST_TITLES = 300  # points; a pointer cannot tell more of them apart
FIFTHS = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]


def accuracy_curve(
    rounds: Sequence[int], accuracies: Sequence[float | None], held_out: str, samples: int
) -> Drawing:
    """Accuracy on held-out data after each round that was evaluated.

    Args:
        rounds: numbers, 1 or more, ascending.
        accuracies: fractions; None where the model was not evaluated.
        held_out: what it was evaluated on: "test", "validation" or "held-out".
        samples: how many of those there are.
    """
    label = f"accuracy on {samples:,} {held_out} samples"
    return _curve(rounds, accuracies, label, BLUE)


def training_error_curve(rounds: Sequence[int], errors: Sequence[float | None]) -> Drawing:
    """Share of a round's training samples that a device got wrong before learning from them."""
    return _curve(rounds, errors, "wrong before each update", ORANGE)


def _curve(
    rounds: Sequence[int], values: Sequence[float | None], label: str, colour: str
) -> Drawing:
    """Percentages over rounds, 0 to 100 %, the last one written out."""
    points = [(x, y) for x, y in zip(rounds, values, strict=True) if y is not None]
    end = f"{points[-1][1]:.2%} in round {points[-1][0]}" if points else "not measured"
    drawing = Drawing(240, f"Over the rounds, {label}: {end}")
    drawing.text(44, 14, label, "strong", "start")
    x = Span(min(1, rounds[0]), max(2, rounds[-1]), 44, 400)
    y = Span(0, 1, 200, 30)
    upright_axis(drawing, y, x, FIFTHS, "{:.0%}".format)
    level_axis(drawing, x, y, {n: f"{n}" for n in whole_numbers(x.first, x.last)}, "round")
    if not points:
        drawing.text((x.start + x.end) / 2, 110, end)
        return drawing
    line = " ".join(f"{x.at(number):.1f},{y.at(value):.1f}" for number, value in points)
    drawing.add("polyline", "line", points=line, stroke=colour)
    look = "" if len(points) <= _MOST_MARKERS else "hidden"
    for number, value in points[:: -(-len(points) // _MOST_TITLES)]:
        drawing.add(
            "circle", look, title=f"round {number}: {value:.2%}",
            cx=x.at(number), cy=y.at(value), r=3, fill=colour,
        )  # fmt: skip
    number, value = points[-1]
    drawing.add(
        "circle", title=f"round {number}: {value:.2%}",
        cx=x.at(number), cy=y.at(value), r=4.5, fill=colour,
    )  # fmt: skip
    height = y.at(value) + (-10 if value < 0.88 else 20)
    drawing.text(x.at(number), height, f"{value:.2%}", "strong", "end" if number > 1 else "start")
    return drawing
