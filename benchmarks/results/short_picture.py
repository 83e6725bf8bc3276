"""Short updates as a picture: accuracy over what a device sends in the whole run."""

import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING

from benchmarks.results.carry_out import Outcomes
from benchmarks.results.outcome import Outcome
from benchmarks.results.over_bytes import GREY, over_bytes
from benchmarks.results.short import CASES, COARSE, DIGITS, FINE, IID, MODES, WHOLE

from tifed.experiment.report.theme import SERIES

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def accuracy_of_short_updates(done: Outcomes) -> "Figure":
    """Fashion-MNIST, 8 devices: a line per network and mode, a mark per way of sending.

    Ways that keep a residual have a line of their own, for they send less at the same accuracy.
    """
    from matplotlib.lines import Line2D

    figure, axes = over_bytes("MB sent by each device in the whole run", 0.01)
    cases = [case for case in CASES if case is not DIGITS]
    for case, colour in zip(cases, SERIES, strict=False):
        for mode, style in zip(MODES, ("-", "--"), strict=True):
            named = {way: done[case.name(mode, IID, way)] for way in case.ways}
            kept = {way: named.pop(way) for way in (FINE, COARSE) if way in named}
            for ways, mark, size in ((named, "o", 5), (kept, "^", 8)):
                sent = sorted(point(runs) for runs in ways.values() if runs)
                axes.plot([x for x, _ in sent], [y for _, y in sent], style, color=colour,
                          linewidth=1.8, marker=mark, markersize=size)  # fmt: skip
            if named[WHOLE]:
                axes.plot(*point(named[WHOLE]), "s", color=colour, markersize=9)
    keys = [
        Line2D([], [], color=colour, linewidth=2.4, label=case.label)
        for case, colour in zip(cases, SERIES, strict=False)
    ]
    keys += [
        Line2D([], [], color=GREY, label=MODES[0]),
        Line2D([], [], color=GREY, linestyle="--", label=MODES[1]),
        Line2D([], [], color=GREY, linestyle="", marker="s", markersize=9, label="16 bits"),
        Line2D([], [], color=GREY, linestyle="", marker="o", markersize=5,
               label="short updates"),
        Line2D([], [], color=GREY, linestyle="", marker="^", markersize=8, label="with residual"),
    ]  # fmt: skip
    figure.legend(handles=keys, loc="outside lower left", ncols=2, fontsize=12, frameon=False)
    return figure


def point(runs: Sequence[Outcome]) -> tuple[float, float]:
    """Megabytes that a device sent, and accuracy: means."""
    return (
        statistics.fmean(run.bytes_up for run in runs) / 1e6,
        statistics.fmean(run.accuracy for run in runs),
    )
