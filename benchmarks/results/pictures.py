"""The headline as a picture: accuracy over what a device has sent, integers and floats."""

from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.results.carry_out import Outcomes
from benchmarks.results.headline import BEST, FLOAT, name

from tifed.experiment.report.theme import SERIES, new_figure, plain, png
from tifed.files.atomic import write_atomically
from tifed.studies import published

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = {
    BEST: "integers, tuned-absolute, momentum",
    "`tuned-int8`": "integers, tuned-int8",
    FLOAT: "float32 FedAvg, tuned as hard",
    "float FedAvg, plain": "float32 FedAvg, plain",
    "`paper`": "integers, paper's rule",
}
_LOWEST = 0.7


def write_pictures(folder: Path, done: Outcomes) -> None:
    """Write ``accuracy-per-byte.png``."""
    write_atomically(folder / "accuracy-per-byte.png", png(accuracy_per_byte(done)))


def accuracy_per_byte(done: Outcomes) -> "Figure":
    """Fashion-MNIST, full-network: test accuracy against bytes sent (logarithmic), and at the end.

    Left: means over seeds; right: the final round, every seed a dot, with the published figure.
    """
    from matplotlib.ticker import FixedLocator, FuncFormatter, MultipleLocator, NullLocator
    from matplotlib.ticker import PercentFormatter as Percent

    figure = new_figure(10, 4.3)
    curves, dots = figure.subplots(1, 2, width_ratios=(1.7, 1))
    plain(curves)
    plain(dots, grid="x")
    for place, ((method, label), colour) in enumerate(zip(SHOWN.items(), SERIES, strict=True)):
        runs = done[name("fashion-mnist", "full-network", method)]
        if not runs:
            continue
        points = [
            sum(column) / len(runs) / 10_000
            for column in zip(*(r.curve for r in runs), strict=True)
        ]
        each = runs[0].bytes_up / len(points) / 1e6
        curves.plot(
            [each * number for number in range(1, len(points) + 1)], points, color=colour,
            linewidth=2, label=label,
        )  # fmt: skip
        finals = [run.accuracy for run in runs]
        dots.plot(finals, [place] * len(finals), "o", color=colour, markersize=5, alpha=0.6)
        mean = sum(finals) / len(finals)
        dots.annotate(
            f"{mean:.2%}", (mean, place), xytext=(0, 8), textcoords="offset points", ha="center",
            color=colour, fontweight="bold", gid="series",
        )  # fmt: skip
    cited = published().find("fashion-mnist", "full-network", 2048)
    if cited is not None:
        best = cited.best_over_rounds.mean
        dots.plot(best, len(SHOWN), "D", color="#808890", markersize=6)
        dots.annotate(
            f"{best:.2%}", (best, len(SHOWN)), xytext=(0, 8), textcoords="offset points",
            ha="center", color="#808890", fontweight="bold", gid="series",
        )  # fmt: skip
    curves.set_xscale("log")
    curves.xaxis.set_major_locator(FixedLocator([1, 2, 5, 10, 20, 50, 100]))
    curves.xaxis.set_major_formatter(FuncFormatter(lambda number, _: f"{number:.0f}"))
    curves.xaxis.set_minor_locator(NullLocator())
    curves.yaxis.set_major_locator(MultipleLocator(0.05))
    curves.set_ylim(_LOWEST, 0.9)
    curves.set_xlabel("MB sent by each device (logarithmic)")
    curves.set_title(
        "Fashion-MNIST, 784-200-10, 8 devices", loc="left", fontsize=11, fontweight="bold"
    )
    curves.legend(loc="lower right", fontsize=8)
    curves.yaxis.set_major_formatter(Percent(1, decimals=0))
    dots.set_yticks([])
    dots.set_ylim(len(SHOWN) + 0.6, -0.8)
    dots.set_title("After 150 rounds", loc="left", fontsize=11, fontweight="bold")
    dots.set_xlabel("grey: published, best round")
    dots.xaxis.set_major_formatter(Percent(1, decimals=0))
    return figure
