"""The pictures; the headline's is here: accuracy over bytes sent, on pixels and on edges."""

from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.results.carry_out import Outcomes
from benchmarks.results.headline import CURVES, FLOAT, PAPER, PLACES, TUNED
from benchmarks.results.over_bytes import GREY, over_bytes
from benchmarks.results.short_picture import accuracy_of_short_updates

from tifed.experiment.report.theme import SERIES, png
from tifed.files.atomic import write_atomically
from tifed.studies import published

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LOWEST, _HIGHEST = 0.74, 0.94
_LOOKS = {TUNED: ("integers", "-"), FLOAT: ("floats", "--"), PAPER: ("the paper's rules", ":")}
"""Of a method its words and its line; colours are for what networks see."""


def write_pictures(folder: Path, done: Outcomes) -> None:
    """Write both pictures, for pages and for the screen of a telephone."""
    for name, figure in (
        ("accuracy-per-byte.png", accuracy_per_byte(done)),
        ("short-updates.png", accuracy_of_short_updates(done)),
    ):
        write_atomically(folder / name, png(figure, dots_per_inch=140))


def accuracy_per_byte(done: Outcomes) -> "Figure":
    """Fashion-MNIST, full-network: test accuracy against bytes sent, mean of seeds."""
    figure, axes = over_bytes("MB sent by each device", 0.05)
    colours = dict(zip(dict.fromkeys(line.input for line in CURVES), SERIES, strict=False))
    for line in CURVES:
        runs = done[line.row(*PLACES[0])]
        if not runs:
            continue
        curve = [sum(each) / len(runs) / 1e4 for each in zip(*(r.curve for r in runs), strict=True)]
        step = sum(run.bytes_up for run in runs) / len(runs) / len(curve) / 1e6
        sent = [step * number for number in range(1, len(curve) + 1)]
        words, style = _LOOKS[line.method]
        one, colour = line.input, colours[line.input]
        label = f"{one.sees}, {one.parameters:,} parameters, {words}"
        axes.plot(sent, curve, style, color=colour, linewidth=2.4, label=label)
        axes.plot(sent[-1], curve[-1], "o", color=colour, markersize=6)
    cited = published().find("fashion-mnist", "full-network", 2048)
    if cited is not None:
        axes.axhline(cited.best_over_rounds.mean, color=GREY, linewidth=1.4, zorder=0,
                     label="TIFeD as published, best round")  # fmt: skip
    axes.set_ylim(_LOWEST, _HIGHEST)
    figure.legend(loc="outside lower left", fontsize=12, frameon=False)
    return figure
