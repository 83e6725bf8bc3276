"""The rule behind the recipe on other networks and other data than it was found on."""

from collections.abc import Iterator

from benchmarks.results.carry_out import Outcomes
from benchmarks.results.row import FEWER, Row
from benchmarks.results.text import both, table

MODES = ("full-network", "single-layer")
RECIPES = ("tuned", "tuned-absolute", "tuned-int8", "paper", "float-fedavg")
SHAPES: dict[str, tuple[str, tuple[str, ...]]] = {
    "Fashion-MNIST, 784-32-10": ("fashion-mnist", ("layers=[784, 32, 10]",)),
    "Fashion-MNIST, 784-200-100-10": ("fashion-mnist", ("layers=[784, 200, 100, 10]",)),
    "spoken-digits, 320-32-10": ("spoken-digits", ()),
    "digits, 64-32-10": ("digits", ()),
}


def rows() -> Iterator[Row]:
    """Three seeds on the test split, every recipe with its own defaults."""
    for shape, (preset, settings) in SHAPES.items():
        for mode in MODES:
            for recipe in RECIPES:
                start = f"{preset}-paper" if recipe == "paper" else preset
                chosen = () if recipe == "paper" else (f"recipe={recipe}",)
                settled = (*chosen, *settings, f"mode={mode}")
                yield Row(name(shape, mode, recipe), start, settled, FEWER[:3])


def name(shape: str, mode: str, recipe: str) -> str:
    """A row's name."""
    return f"{shape}, {mode}, {recipe}"


def shape_table(done: Outcomes) -> str:
    """A line per network and mode."""
    lines = [
        [f"{shape}, {mode}", *(both(done[name(shape, mode, recipe)], 3) for recipe in RECIPES)]
        for shape in SHAPES
        for mode in MODES
    ]
    return table(["", *(f"`{recipe}`" for recipe in RECIPES)], lines)
