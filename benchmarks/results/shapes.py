"""The rule behind the recipe on other networks and other data than it was found on."""

from collections.abc import Iterator

from benchmarks.results.carry_out import Outcomes
from benchmarks.results.row import FEWER, Row
from benchmarks.results.text import both, table

from tifed.studies.setting import kind_of

MODES = ("full-network", "single-layer")
METHODS = ("tuned", "paper", "float-fedavg")
SHAPES: dict[str, tuple[str, tuple[str, ...]]] = {
    "Fashion-MNIST, 784-32-10": ("fashion-mnist", ("layers=[784, 32, 10]",)),
    "Fashion-MNIST, 784-200-100-10": ("fashion-mnist", ("layers=[784, 200, 100, 10]",)),
    "spoken-digits, 200-32-10": ("spoken-digits", ()),
    "digits, 64-32-10": ("digits", ()),
}


def rows() -> Iterator[Row]:
    """Three seeds on the test split, every recipe with its own defaults."""
    for shape, (preset, settings) in SHAPES.items():
        for mode in MODES:
            for method in METHODS:
                start = f"{preset}-paper" if method == "paper" else preset
                chosen = () if method == "paper" else (f"{kind_of(method)}={method}",)
                settled = (*chosen, *settings, f"mode={mode}")
                yield Row(name(shape, mode, method), start, settled, FEWER[:3])


def name(shape: str, mode: str, method: str) -> str:
    """A row's name."""
    return f"{shape}, {mode}, {method}"


def shape_table(done: Outcomes) -> str:
    """A line per network and mode."""
    lines = [
        [f"{shape}, {mode}", *(both(done[name(shape, mode, method)], 3) for method in METHODS)]
        for shape in SHAPES
        for mode in MODES
    ]
    return table(["", *(f"`{method}`" for method in METHODS)], lines)
