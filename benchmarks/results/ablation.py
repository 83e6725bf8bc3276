"""What each part of the tuned recipe is worth: one knob changed at a time."""

from collections.abc import Iterator

from benchmarks.results.carry_out import Outcomes
from benchmarks.results.row import FEWER, Row
from benchmarks.results.text import both, mean, points, table

MODES = ("full-network", "single-layer")

KNOBS: dict[str, tuple[str, ...]] = {
    "nothing: the recipe": (),
    "input: not centred": ("recipe_settings.centred=false",),
    "update: floored": ("recipe_settings.update_rounding=floor",),
    "update: stochastic rounding": ("recipe_settings.update_rounding=stochastic",),
    "update shifts: one more everywhere": ("recipe_settings.update_shifts=[10, 9]",),
    "mini-batch: 25": ("batch=25",),
    "local epochs: 2": ("local_epochs=2",),
    "no late decay": ("recipe_settings.decay_percent=100",),
    "published model: no running mean": ("recipe_settings.running_mean=1",),
    "server: step 1": ("recipe_settings.server_rate=1",),
    "server: step 2": ("recipe_settings.server_rate=2",),
    "server: momentum": ("recipe_settings.server_momentum=8",),
    "server: momentum, updates halved": (
        "recipe_settings.server_momentum=8",
        "recipe_settings.halvings=1",
    ),
    "feedback: balanced, not the output's signs": ("recipe_settings.feedback=balanced",),
    "margin: 96": ("recipe_settings.margin=96",),
    "hidden layer: absolute value": ("recipe_settings.activation=absolute",),
    "weights: 8 bits (`tuned-int8`)": ("recipe=tuned-int8",),
    "roles: fixed halves": ("assignment=contiguous",),
    "roles: a quarter on the last layer": ("assignment=rotating-quarter",),
}
"""What is changed, and how."""

_ONLY = {
    "roles": "single-layer",
    "server: step 1": "full-network",
    "server: step 2": "single-layer",
    "server: momentum": "full-network",
}
"""Changes that are none, or make no sense, in the other mode."""


def rows() -> Iterator[Row]:
    """Fashion-MNIST on validation data."""
    for mode in MODES:
        for knob, settings in KNOBS.items():
            if all(only == mode or not knob.startswith(start) for start, only in _ONLY.items()):
                fixed = (f"mode={mode}", "held_out=validation")
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
            cells.append(points(mean(runs) - mean(whole)) if runs and whole else "")
        lines.append(cells)
    return table(["changed", MODES[0], "points", MODES[1], "points"], lines)
