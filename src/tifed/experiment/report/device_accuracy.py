"""How the global model does on each device's own training samples."""

import numpy as np
from numpy.typing import NDArray

from tifed.experiment.report.curves import FIFTHS
from tifed.experiment.report.svg import Drawing, Span, level_axis, upright_axis, whole_numbers
from tifed.experiment.report.theme import GREEN

MOST_BARS = 40
"""Devices; more bars cannot be told apart."""

_MOST_LABELS = 12  # devices; the numbers above more bars run into each other


def device_picture(
    devices: NDArray[np.int64], correct: NDArray[np.int64], samples: NDArray[np.int64]
) -> Drawing:
    """A bar per device, or beyond 40 devices a histogram of their accuracies.

    Args:
        devices: int64 (K,), their numbers.
        correct: int64 (K,), samples that the model classifies rightly.
        samples: int64 (K,), samples that the device has, each 1 or more.
    """
    accuracy = correct / samples
    if len(devices) > MOST_BARS:
        return _histogram(accuracy)
    drawing = Drawing(240, f"Accuracy on {len(devices)} devices, {_ends(accuracy)}")
    drawing.text(44, 14, "accuracy on its own samples", "strong", "start")
    x, y = Span(-0.5, len(devices) - 0.5, 44, 412), Span(0, 1, 200, 40)
    upright_axis(drawing, y, x, FIFTHS, "{:.0%}".format)
    wide = 0.7 * (x.at(1) - x.at(0))
    for place, (device, share) in enumerate(zip(devices, accuracy, strict=True)):
        drawing.add(
            "rect", title=f"device {device}: {share:.1%} of {samples[place]:,} samples",
            x=x.at(place) - wide / 2, y=y.at(share), width=wide, height=y.start - y.at(share),
            fill=GREEN,
        )  # fmt: skip
        if len(devices) <= _MOST_LABELS:
            written = f"{share:.0%}" if share == 1 or len(devices) > 8 else f"{share:.1%}"
            drawing.text(x.at(place), y.at(share) - 4, written, "small")
    named = range(len(devices))
    if len(devices) > _MOST_LABELS:
        named = range(0, len(devices), 5)
    level_axis(drawing, x, y, {place: f"{devices[place]}" for place in named}, "device")
    return drawing


def _histogram(accuracy: NDArray[np.float64]) -> Drawing:
    """Numbers of devices in thirty ranges of accuracy."""
    low = min(float(np.floor(accuracy.min() * 20) / 20), 0.95)
    counts, edges = np.histogram(accuracy, bins=np.linspace(low, 1, 31))
    drawing = Drawing(240, f"Accuracy on {len(accuracy):,} devices, {_ends(accuracy)}")
    drawing.text(44, 14, "devices", "strong", "start")
    x, y = Span(low, 1, 44, 404), Span(0, int(counts.max()), 200, 30)
    upright_axis(drawing, y, x, [*map(float, whole_numbers(0, y.last))], "{:,.0f}".format)
    for count, first, last in zip(counts, edges[:-1], edges[1:], strict=True):
        drawing.add(
            "rect", title=f"{first:.1%} to {last:.1%}: {count:,} devices",
            x=x.at(first) + 0.5, y=y.at(count), width=x.at(last) - x.at(first) - 1,
            height=y.start - y.at(count), fill=GREEN,
        )  # fmt: skip
    marks = np.linspace(low, 1, 6)
    digits = 0 if low < 0.9 else 1
    level_axis(
        drawing, x, y, {float(mark): f"{mark:.{digits}%}" for mark in marks},
        "accuracy on a device's own samples",
    )  # fmt: skip
    return drawing


def _ends(accuracy: NDArray[np.float64]) -> str:
    return f"from {accuracy.min():.1%} to {accuracy.max():.1%}"
