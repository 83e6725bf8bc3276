"""What pictures of accuracy over bytes have in common."""

from typing import TYPE_CHECKING

from tifed.experiment.report.theme import new_figure, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GREY = "#808890"


def over_bytes(sent: str, step: float) -> "tuple[Figure, Axes]":
    """An empty picture of Fashion-MNIST with 8 devices: accuracy over megabytes (logarithmic).

    It is about as high as it is wide, with large letters: a telephone shows it at a third.

    Args:
        sent: what the megabytes are.
        step: of accuracy between two lines.
    """
    from matplotlib.ticker import FixedLocator, FuncFormatter, MultipleLocator, NullLocator
    from matplotlib.ticker import PercentFormatter as Percent

    figure = new_figure(6.6, 6.9)
    axes = plain(figure.subplots())
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator([0.1, 0.3, 1, 3, 10, 30, 100]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda number, _: f"{number:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_locator(MultipleLocator(step))
    axes.yaxis.set_major_formatter(Percent(1, decimals=0))
    axes.tick_params(labelsize=13)
    axes.set_xlabel(sent, fontsize=13)
    axes.set_title(
        "Fashion-MNIST, 8 devices: test accuracy", loc="left", fontsize=14, fontweight="bold"
    )
    return figure, axes
