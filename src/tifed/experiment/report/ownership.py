"""Which device owns how many samples of which class."""

import numpy as np
from numpy.typing import NDArray

from tifed.experiment.report.confusion import shortened
from tifed.experiment.report.device_accuracy import MOST_BARS
from tifed.experiment.report.svg import Drawing, Span, level_axis, upright_axis, whole_numbers
from tifed.experiment.report.theme import BLUE, SERIES

_COLOURS = (*SERIES, "#d64550", "#d873b4", "#8a929c", "#b3ac2b", "#2fb3c6")
_MOST_CLASSES = 2 * len(_COLOURS)  # the second ten are the first ten, paler
_MOST_CELLS = 4000  # of a map; more make the page heavy


def ownership_picture(table: NDArray[np.int64], class_names: tuple[str, ...]) -> Drawing:
    """A bar per device, stacked by class; beyond 40 devices or 20 classes a map of both.

    Args:
        table: int64 (K, C), numbers of samples.
        class_names: C names.
    """
    devices, classes = table.shape
    drawing = Drawing(250, f"{table.sum():,} samples of {classes} classes on {devices:,} devices")
    if devices <= MOST_BARS and classes <= _MOST_CLASSES:
        _bars(drawing, table, class_names)
    else:
        _map(drawing, table, class_names)
    return drawing


def _bars(drawing: Drawing, table: NDArray[np.int64], class_names: tuple[str, ...]) -> None:
    devices, classes = table.shape
    drawing.text(48, 14, "samples", "strong", "start")
    names = [shortened(name) for name in class_names]
    right = 396 - 6 * max(map(len, names))
    x, y = (
        Span(-0.5, devices - 0.5, 48, right),
        Span(0, max(1, int(table.sum(axis=1).max())), 210, 30),
    )
    upright_axis(drawing, y, x, [*map(float, whole_numbers(0, y.last))], "{:,.0f}".format)
    wide = 0.8 * (x.at(1) - x.at(0))
    tops = table.cumsum(axis=1)
    for device, label in np.argwhere(table):
        top, count = y.at(tops[device, label]), table[device, label]
        fill, opacity = _colour(label)
        drawing.add(
            "rect", title=f"device {device}: {count:,} samples of {class_names[label]}",
            x=x.at(device) - wide / 2, y=top, width=wide,
            height=y.at(tops[device, label] - count) - top, fill=fill, fill_opacity=opacity,
        )  # fmt: skip
    level_axis(drawing, x, y, {n: f"{n}" for n in whole_numbers(0, devices - 1)}, "device")
    for label, name in enumerate(names):
        line = 24 + label * min(16, 200 / classes)
        fill, opacity = _colour(label)
        drawing.add(
            "rect", x=right + 10, y=line, width=8, height=8, fill=fill, fill_opacity=opacity
        )
        drawing.text(right + 22, line + 8, name, "small", "start")


def _colour(label: int) -> tuple[str, float]:
    """Of a class: the colour, and how opaque it is."""
    return _COLOURS[label % len(_COLOURS)], 0.5 if label >= len(_COLOURS) else 1


def _map(drawing: Drawing, table: NDArray[np.int64], class_names: tuple[str, ...]) -> None:
    """Devices across, neighbours taken together where there are many; classes upwards."""
    devices, classes = table.shape
    together = -(-devices // max(20, min(180, _MOST_CELLS // classes)))
    starts = np.arange(0, devices, together)
    sizes = np.diff(np.append(starts, devices))
    means = np.add.reduceat(table, starts, axis=0) / sizes[:, None]
    most = max(float(means.max()), 1e-9)
    names = [shortened(name) for name in class_names]
    if classes > _MOST_CLASSES:
        shown = whole_numbers(0, classes - 1)
        names = [str(n) if n in shown else "" for n in range(classes)]
    x = Span(0, devices, 24 + 6 * max(map(len, names)), 412)
    y = Span(0, classes, 210, 24)
    drawing.text(x.start, 14, f"class; darkest: {most:,.3g} samples a device", "strong", "start")
    for group, label in np.argwhere(means):
        first, last = starts[group], starts[group] + sizes[group] - 1
        whose = f"device {first}" if first == last else f"devices {first} to {last}, each"
        drawing.add(
            "rect", title=f"{whose}: {means[group, label]:,.4g} samples of {class_names[label]}",
            x=x.at(first), y=y.at(label + 1), width=x.at(last + 1) - x.at(first),
            height=y.at(0) - y.at(1), fill=BLUE, fill_opacity=means[group, label] / most,
        )  # fmt: skip
    for label, name in enumerate(names):
        drawing.text(x.start - 6, y.at(label + 0.5) + 3, name, "small faint", "end")
    level_axis(drawing, x, y, {n: f"{n}" for n in whole_numbers(0, devices)}, "device")
