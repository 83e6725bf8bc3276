"""The learning rate of floats, and that of the paper's rules, behind a front end."""

from collections.abc import Iterator

from benchmarks.results.carry_out import Outcomes
from benchmarks.results.headline import FLOAT, MODES, PAPER, RATE
from benchmarks.results.inputs import EDGES, OCTANTS, SECOND, SMALL, Input
from benchmarks.results.row import Row
from benchmarks.results.text import both, table

SEEDS = (100, 101)
TRIED: dict[tuple[str, Input], tuple[float, ...]] = {
    (FLOAT, EDGES): (0.05, 0.1, 0.2),
    (FLOAT, SECOND): (0.05, 0.1, 0.2, 0.3),
    (FLOAT, OCTANTS): (0.05, 0.1, 0.2, 0.3, 0.4, 0.6),
    (FLOAT, SMALL): (0.1, 0.2, 0.3, 0.4, 0.6),
    (PAPER, EDGES): (2048, 4096, 8192, 16384),
    (PAPER, OCTANTS): (2048, 4096, 8192, 16384),
}
"""Learning rates of floats, inverse learning rates of the paper's rules."""


def rows() -> Iterator[Row]:
    """Validation samples of Fashion-MNIST."""
    for (method, one), rates in TRIED.items():
        for mode in MODES:
            for rate in rates:
                fixed = (f"mode={mode}", "held_out=validation")
                own: tuple[str, ...] = (f"{RATE[method]}={rate}",)
                if method == FLOAT:
                    own = ("baseline=float-fedavg", *own)
                preset = "fashion-mnist" if method == FLOAT else "fashion-mnist-paper"
                yield Row(
                    name(method, one, mode, rate), preset, (*one.settings, *own, *fixed), SEEDS
                )


def name(method: str, one: Input, mode: str, rate: float) -> str:
    """A row's name."""
    return f"rate {rate}, {mode}, {method}, {one.name}".replace("`", "")


def rate_table(done: Outcomes) -> str:
    """A line per method, input and rate."""
    lines = []
    for (method, one), rates in TRIED.items():
        for rate in rates:
            cells = [both(done[name(method, one, mode, rate)], len(SEEDS)) for mode in MODES]
            shown = f"1/{rate}" if method == PAPER else f"{rate:g}"
            lines.append([method, one.sees, one.shape, shown, *cells])
    return table(["", "sees", "network", "learning rate", *MODES], lines)
