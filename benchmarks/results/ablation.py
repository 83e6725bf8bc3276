"""What each part of the recipe is worth: one knob changed at a time."""

from collections.abc import Iterator

from benchmarks.results.carry_out import Outcomes
from benchmarks.results.inputs import OCTANTS
from benchmarks.results.row import FEWER, Row
from benchmarks.results.text import both, difference, table

MODES = ("full-network", "single-layer")

KNOBS: dict[str, tuple[str, ...]] = {
    "nothing: the recipe": (),
    "input: not centred": ("recipe_settings.centred=false",),
    "update: floored": ("recipe_settings.update_rounding=floor",),
    "update: stochastic rounding": ("recipe_settings.update_rounding=stochastic",),
    "updates halved twice": ("recipe_settings.halvings=2",),
    "updates never halved": ("recipe_settings.halvings=0",),
    "updates halved once": ("recipe_settings.halvings=1",),
    "mini-batch: 25": ("batch=25",),
    "local epochs: 2": ("local_epochs=2",),
    "no late decay": ("recipe_settings.decay_percent=100",),
    "published model: no running mean": ("recipe_settings.running_mean=1",),
    "published model: a mean over 16 exchanges as soon as there are 16": (
        "recipe_settings.running_mean_growth=0",
    ),
    "first layer's step: from the number of inputs, not from their energy": (
        "recipe_settings.update_shifts=[9, 9]",
    ),
    "hidden biases start at 0": ("recipe_settings.start_bias=0",),
    "server: no momentum": ("recipe_settings.server_momentum=0",),
    "server: momentum 12/16": ("recipe_settings.server_momentum=12",),
    "feedback: balanced, not the output's signs": ("recipe_settings.feedback=balanced",),
    "margin: 96": ("recipe_settings.margin=96",),
    "hidden layer: rectifier": ("recipe_settings.activation=relu",),
    "weights: 8 bits": ("recipe_settings.weight_bits=8",),
    "roles: fixed halves": ("assignment=contiguous",),
    "roles: taking turns, half on each layer": ("assignment=rotating",),
}
"""What is changed, and how."""

_ONLY = {
    "updates halved twice": "full-network",
    "updates never halved": "full-network",
    "updates halved once": "single-layer",
    "server": "full-network",
    "roles": "single-layer",
}
"""Changes that are none, or make no sense, in the other mode."""


def rows() -> Iterator[Row]:
    """Validation samples of Fashion-MNIST, edges in eight directions."""
    for mode in MODES:
        for knob, settings in KNOBS.items():
            if all(only == mode or not knob.startswith(start) for start, only in _ONLY.items()):
                fixed = (*OCTANTS.settings, f"mode={mode}", "held_out=validation")
                yield Row(name(mode, knob), "fashion-mnist", (*settings, *fixed))


def name(mode: str, knob: str) -> str:
    """A row's name."""
    return f"ablation, {mode}, {knob}"


def ablation_table(done: Outcomes) -> str:
    """Mean, spread, and what the change is worth."""
    lines = []
    for knob in KNOBS:
        cells = [knob]
        for mode in MODES:
            runs = done.get(name(mode, knob))
            whole = done[name(mode, next(iter(KNOBS)))]
            cells.append("" if runs is None else both(runs, len(FEWER)))
            cells.append("" if runs is None or runs is whole else difference(runs, whole))
        lines.append(cells)
    return table(["changed", MODES[0], "points", MODES[1], "points"], lines)
