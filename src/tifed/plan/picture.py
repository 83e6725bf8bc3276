"""RAM of every way to take part, as shares of each board's RAM."""

from typing import TYPE_CHECKING

from tifed.experiment.report.amounts import memory_amount
from tifed.experiment.report.theme import BLUE, BROWN, GREEN, ORANGE, PURPLE, new_figure, plain
from tifed.plan.choice import Choice
from tifed.plan.planning import BoardPlan, DeploymentPlan, Placement

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_GROUPS = (
    ("weights", ("weights",), BLUE),
    ("buffer of samples", ("buffer", "pictures"), ORANGE),
    ("activations and deltas", ("activations", "deltas"), GREEN),
    ("scratch, making features", ("scratch", "front end", "extraction", "shift copies"), PURPLE),
    ("firmware and stack", ("firmware", "stack"), BROWN),
    ("taken by the board's own system", ("reserved",), "#9aa6b5"),
)
_TOO_MUCH = "#c23b3b"
_WIDEST = 1.3  # of a board's RAM; longer bars are cut
_MOST_PANELS = 4


def ram_picture(plan: DeploymentPlan) -> "Figure":
    """A panel per way to take part, a bar per board; the line at 100 % is the board's RAM.

    Shown are the full network and each single layer with the others in flash; of networks with more
    layers the first and the last ones.
    """
    from matplotlib.patches import Patch

    panels = _panels(plan)
    boards = len(plan.boards)
    figure = new_figure(2.1 + 2.9 * len(panels), 1.5 + 0.42 * boards)
    drawn = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, choice in zip(drawn, panels, strict=True):
        _panel(plain(axes, grid="x"), plan.boards, choice)
    shape = "-".join(map(str, plan.network.shape))
    experiment = plan.experiment
    figure.suptitle(
        f"RAM for {shape}, {experiment.buffer} samples in mini-batches of {experiment.batch}",
        x=0.01, ha="left", fontsize=11,
    )  # fmt: skip
    figure.legend(
        handles=[Patch(color=colour, label=label) for label, _, colour in _GROUPS],
        loc="outside lower left", ncols=6, fontsize=8, frameon=False,
        handlelength=1, handleheight=1, columnspacing=1.4,
    )  # fmt: skip
    return figure


def _panels(plan: DeploymentPlan) -> list[Choice]:
    """The full network and single layers, frozen ones in flash."""
    every = [one.choice for one in plan.boards[0].placements]
    shown = [
        choice
        for choice in every
        if choice.full or (choice.frozen_in_flash and len(choice.layers) == 1)
    ]
    return shown if len(shown) <= _MOST_PANELS else [*shown[: _MOST_PANELS - 1], shown[-1]]


def _panel(axes: "Axes", boards: tuple[BoardPlan, ...], choice: Choice) -> None:
    """Bars of one way to take part."""
    from matplotlib.ticker import PercentFormatter

    places = list(range(len(boards)))
    rows = [_of(board, choice) for board in boards]
    left = [0.0] * len(rows)
    for _, parts, colour in _GROUPS:
        shares = [
            sum(row.ram[part].value for part in parts if part in row.ram) / row.board.ram
            for row in rows
        ]
        drawn = [
            max(0.0, min(start + share, _WIDEST) - start)
            for start, share in zip(left, shares, strict=True)
        ]
        bars = axes.barh(places, drawn, left=left, height=0.62, color=colour)
        for bar, row in zip(bars, rows, strict=True):
            bar.set_alpha(1.0 if row.ram_total.value <= row.board.ram else 0.45)
        left = [start + share for start, share in zip(left, drawn, strict=True)]
    axes.axvline(1.0, color=_TOO_MUCH, linewidth=1.6)
    axes.text(
        1.0, -0.62, "the board's RAM", color=_TOO_MUCH, fontsize=7.5, ha="center", va="bottom",
        gid="on-colour",
    )  # fmt: skip
    for place, row, end in zip(places, rows, left, strict=True):
        _amount(axes, place, row, end)
    axes.set_xlim(0, _WIDEST)
    axes.set_ylim(len(boards) - 0.4, -0.6)
    axes.set_xticks([0, 0.5, 1])
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_yticks(
        places,
        [f"{one.board.title}\n{memory_amount(one.board.ram)}" for one in boards],
        fontsize=8, linespacing=1.15,
    )  # fmt: skip
    axes.set_title(choice.name, loc="left", fontsize=9)
    axes.set_xlabel("share of the board's RAM", fontsize=8)


def _of(board: BoardPlan, choice: Choice) -> Placement:
    return next(one for one in board.placements if one.choice == choice)


def _amount(axes: "Axes", place: int, row: Placement, end: float) -> None:
    """How much it is: beside the bar, in it where it is long, and in red where it is too much."""
    used = row.ram_total.value
    text = memory_amount(used)
    share = used / row.board.ram
    if share > 1:
        axes.text(
            0.03, place, f"{text}: {share:.1f} times its RAM", va="center", fontsize=8,
            color="white", gid="on-colour", fontweight="bold",
            bbox={"facecolor": _TOO_MUCH, "edgecolor": "none", "pad": 1.8},
        )  # fmt: skip
    elif end < 0.72:
        axes.text(end + 0.02, place, text, va="center", fontsize=8)
    else:
        axes.text(
            0.03, place, text, va="center", fontsize=8, color="white", gid="on-colour",
            fontweight="bold",
        )  # fmt: skip
