"""The pictures of a reproduction: curves, box plots over runs, accuracy against devices."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tifed.experiment.report.theme import DARK, LIGHT, SERIES, new_figure, plain, png
from tifed.studies.cited import published
from tifed.studies.outcome import Outcome
from tifed.studies.reproduction import Reproduction
from tifed.studies.setting import FLOAT, Setting
from tifed.studies.summary import SummaryRow, SummaryTable
from tifed.studies.verdict import series

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_GREY = "#808890"
"""Of the published figures; legible by day and by night."""


@dataclass(frozen=True)
class Picture:
    """One picture as the addresses of two PNG files, which hold the files themselves.

    Attributes:
        light: for a light page, and for paper.
        dark: for a dark page.
    """

    light: str
    dark: str


def pictures(reproduction: Reproduction, table: SummaryTable) -> dict[str, Picture]:
    """By name: boxes, and curves or (where it is about the number of devices) devices."""
    return {
        name: Picture(_address(png(figure, LIGHT, 130)), _address(png(figure, DARK, 130)))
        for name, figure in _figures(reproduction, table)
    }


def _address(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()


def _figures(reproduction: Reproduction, table: SummaryTable) -> Iterator[tuple[str, "Figure"]]:
    if reproduction.study.over_devices:
        yield "devices", devices_picture(table.rows, table.what)
    else:
        yield "curves", curves_picture(table.rows, table.what)
    yield "boxes", box_picture(reproduction.runs, table.what)


def curves_picture(rows: Sequence[SummaryRow], what: str) -> "Figure":
    """Accuracy over rounds: a panel per mode, ours solid (band: all runs), published dashed.

    Rounds are on a logarithmic scale: where the schedules differ most is in the first few.
    """
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    modes = list(dict.fromkeys(row.mode for row in rows))
    figure = new_figure(11, 4.6)
    panels = figure.subplots(1, len(modes), sharey=True, squeeze=False)[0]
    colours = _colours([_series(row) for row in rows])
    for axes, mode in zip(panels, modes, strict=True):
        plain(axes)
        for row in rows:
            if row.mode != mode:
                continue
            colour = colours[_series(row)]
            x = range(1, len(row.curve) + 1)
            axes.fill_between(x, row.lowest, row.highest, color=colour, alpha=0.2, linewidth=0)
            axes.plot(x, row.curve, color=colour, linewidth=1.8, label=f"{_series(row)}, ours")
            if row.published_curve is not None:
                axes.plot(
                    range(1, len(row.published_curve) + 1), row.published_curve, color=colour,
                    linewidth=1.2, linestyle=(0, (4, 2)), label=f"{_series(row)}, published",
                )  # fmt: skip
        last = max(len(row.curve) for row in rows)
        axes.set_xscale("log")
        axes.set_xlim(1, max(2, last))
        ticks = [tick for tick in (1, 2, 5, 10, 20, 50, 100) if tick <= 0.8 * last]
        axes.xaxis.set_major_locator(FixedLocator([*ticks, last]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda number, _: f"{number:.0f}"))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_ylim(0, 1)
        axes.set_xlabel("round (logarithmic)")
        axes.set_title(mode, loc="left", fontsize=11, fontweight="bold")
        axes.legend(loc="lower right", fontsize=8)
        _percent(axes)
    figure.suptitle(what, fontsize=9)
    return figure


def box_picture(runs: Sequence[tuple[Setting, Sequence[Outcome]]], what: str) -> "Figure":
    """A box per setting over the final rounds of its runs; the published range beside it."""
    figure = new_figure(11, max(2.6, 0.9 + 0.34 * len(runs)))
    axes = plain(figure.add_subplot(), grid="x")
    colours = _colours([setting.method for setting, _ in runs])
    for place, (setting, own) in enumerate(runs):
        colour = colours[setting.method]
        line = {"color": colour, "linewidth": 1.4}
        axes.boxplot(
            [[run.accuracy for run in own]], positions=[place], orientation="horizontal",
            widths=0.5, manage_ticks=False, boxprops=line, whiskerprops=line, capprops=line,
            medianprops=line | {"linewidth": 2.4},
            flierprops={"markeredgecolor": colour, "marker": ".", "markersize": 5},
        )  # fmt: skip
        if setting.figures is not None:
            cited = setting.figures.final_round
            ends = [[cited.mean - cited.min], [cited.max - cited.mean]]
            axes.errorbar(
                cited.mean, place + 0.36, xerr=ends, fmt="D", color=_GREY, markersize=4,
                linewidth=1.2, label="published: mean, and least to most of its runs",
            )  # fmt: skip
        elif setting.plotted is not None:
            axes.plot(
                setting.plotted, place + 0.36, "D", color=_GREY, markersize=4, linestyle="none",
                label="published, read off the plot (other inputs)",
            )  # fmt: skip
    axes.set_yticks(range(len(runs)), [setting.name for setting, _ in runs])
    axes.set_ylim(len(runs) - 0.4, -0.6)
    axes.set_xlabel("accuracy of the final round")
    axes.set_title(what, loc="left", fontsize=9)
    handles, labels = axes.get_legend_handles_labels()
    if labels:
        once = dict(zip(labels, handles, strict=True))
        figure.legend(
            list(once.values()), list(once), loc="outside lower right", fontsize=8, frameon=False
        )
    _percent(axes, "x")
    return figure


def devices_picture(rows: Sequence[SummaryRow], what: str) -> "Figure":
    """Accuracy against number of devices: ours (band: all runs), and the paper's dashed."""
    from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

    figure = new_figure(8.4, 4.8)
    axes = plain(figure.add_subplot())
    colours = _colours([series(row) for row in rows])
    numbers = sorted({row.devices for row in rows})
    for name, colour in colours.items():
        line = sorted((row for row in rows if series(row) == name), key=lambda row: row.devices)
        x = [row.devices for row in line]
        axes.fill_between(
            x, [row.final_round.min for row in line], [row.final_round.max for row in line],
            color=colour, alpha=0.2, linewidth=0,
        )  # fmt: skip
        axes.plot(
            x, [row.final_round.mean for row in line], "o-", color=colour, linewidth=1.8,
            markersize=4, label=f"{name}, ours",
        )  # fmt: skip
    curve = published().workers_curve
    styles: Mapping[str, Any] = {"full-network": "--", "single-layer": ":", FLOAT: "-."}
    for name, values in (
        ("full-network", curve.full_network),
        ("single-layer", curve.single_layer),
        (FLOAT, curve.float_fedavg),
    ):
        axes.plot(
            curve.workers, values, linestyle=styles[name],
            label=f"published {name}", color=_GREY, linewidth=1.2,
        )  # fmt: skip
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(FixedLocator(numbers))
    axes.xaxis.set_major_formatter(FixedFormatter([str(number) for number in numbers]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("devices, 100 images each")
    axes.set_ylabel("accuracy of the final round")
    axes.set_title(what, loc="left", fontsize=9)
    figure.legend(loc="outside lower center", fontsize=8, frameon=False, ncols=3)
    _percent(axes)
    return figure


def _series(row: SummaryRow) -> str:
    """What a curve is called within its panel."""
    rate = row.inverse_learning_rate
    return row.method if rate is None else f"{row.method} 1/{rate}"


def _colours(names: Sequence[str]) -> dict[str, str]:
    """A colour for each different name, in order."""
    return {name: SERIES[n % len(SERIES)] for n, name in enumerate(dict.fromkeys(names))}


def _percent(axes: "Axes", along: str = "y") -> None:
    """Fractions as percentages."""
    from matplotlib.ticker import PercentFormatter

    axis = axes.xaxis if along == "x" else axes.yaxis
    axis.set_major_formatter(PercentFormatter(1, decimals=None))
