"""How pictures look, by day and by night, and how one of Matplotlib becomes a PNG file.

Such a picture is drawn once, in its shapes and data colours; paper and ink are put on afterwards,
so that the same figure can be saved for a light page and for a dark one.
"""

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, PURPLE, BROWN = "#2f7ed8", "#e0702a", "#2a9d6f", "#8d63c9", "#a07a3f"
"""Colours of data: legible on white and on near-black, and apart for colour-blind readers."""

SERIES = (BLUE, ORANGE, GREEN, PURPLE, BROWN)


@dataclass(frozen=True)
class Theme:
    """Colours that depend on the page.

    Attributes:
        paper: behind everything.
        ink: titles and numbers.
        faint: axes and ticks.
        grid: lines behind the data.
    """

    paper: str
    ink: str
    faint: str
    grid: str


LIGHT = Theme("#ffffff", "#1d2530", "#5b6675", "#e3e7ec")
DARK = Theme("#171c23", "#e6eaf0", "#9aa6b5", "#2c343f")


def new_figure(width: float, height: float) -> "Figure":
    """An empty figure of ``width`` by ``height`` inches that belongs to no window."""
    from matplotlib.figure import Figure  # late: its import takes half a second
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    layout = ConstrainedLayoutEngine(w_pad=0.09, h_pad=0.09, wspace=0.06)
    return Figure(figsize=(width, height), layout=layout)


def plain(axes: "Axes", grid: str = "y") -> "Axes":
    """Take away the box, and draw grid lines behind the data along ``grid`` ("x", "y" or "")."""
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(length=0)
    axes.set_axisbelow(True)
    if grid:
        axes.grid(visible=True, axis="x" if grid == "x" else "y", linewidth=0.8)
    return axes


def png(figure: "Figure", theme: Theme = LIGHT, dots_per_inch: int = 180) -> bytes:
    """The figure as a PNG file in the colours of ``theme``; the same bytes whenever it is made."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure)
    _paint(figure, theme)
    file = BytesIO()
    figure.savefig(file, format="png", dpi=dots_per_inch, metadata={"Software": None})
    return file.getvalue()


def _paint(figure: "Figure", theme: Theme) -> None:
    """Put paper and ink on every part of the figure that is not data."""
    from matplotlib.legend import Legend
    from matplotlib.text import Text

    figure.set_facecolor(theme.paper)
    for text in figure.findobj(Text):
        text.set_parse_math(False)  # names are a user's: a dollar sign in one is a dollar sign
        if text.get_gid() is None:
            text.set_color(theme.ink)
    for axes in figure.axes:
        axes.set_facecolor(theme.paper)
        axes.tick_params(which="both", color=theme.faint, labelcolor=theme.faint)
        for spine in axes.spines.values():
            spine.set_edgecolor(theme.faint)
        for axis in (axes.xaxis, axes.yaxis):
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                tick.gridline.set_color(theme.grid)
        for label in (axes.xaxis.label, axes.yaxis.label):
            label.set_color(theme.faint)
    for legend in figure.findobj(Legend):
        legend.get_frame().set(facecolor=theme.paper, edgecolor=theme.grid)
