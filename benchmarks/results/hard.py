"""Federations that are hard: data that differ, devices that are seldom asked, fail or are small."""

from collections.abc import Iterator, Sequence

from benchmarks.results import headline
from benchmarks.results.carry_out import Outcomes
from benchmarks.results.outcome import Outcome
from benchmarks.results.row import SEEDS, Row
from benchmarks.results.text import MISSING, both, mean, points, table

SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")

CONDITIONS = {
    "Dirichlet 1.0": "fashion-mnist-dirichlet-1",
    "Dirichlet 0.1": "fashion-mnist-dirichlet-0.1",
    "two classes a device": "fashion-mnist-two-classes",
    "10 of 100 devices a round": "fashion-mnist-sampled",
    "30 % fail each round": "fashion-mnist-faults",
    "a speaker held out": "spoken-digits-new-speaker",
}
"""Condition and preset."""

MODES = {
    "full-network": (),
    "single-layer": ("mode=single-layer",),
    "memory-aware": ("mode=memory-aware",),
}
_BUDGETS = {
    "fashion-mnist": "memory.budgets=[400000, 65536]",
    "spoken-digits": "memory.budgets=[65536, 20480]",
}
"""Every other device has room for the whole network, the others for the output layer alone (the
rest in flash)."""

_SHOWN = ("`tuned`", "`tuned-absolute`", headline.FLOAT)
_PRESET = "`tuned-absolute`"
METHODS = {method: (headline.INTEGERS | headline.FLOATS)[method] for method in _SHOWN}


def rows() -> Iterator[Row]:
    """Three seeds, of floats two; with held-out speakers one run for each of the six."""
    for condition, preset in CONDITIONS.items():
        spoken = preset.startswith("spoken")
        for mode, chosen in MODES.items():
            settings = chosen
            if mode == "memory-aware":
                budgets = _BUDGETS["spoken-digits" if spoken else "fashion-mnist"]
                settings = (*chosen, budgets, "memory.frozen_in=flash")
            for method, recipe in METHODS.items():
                yield Row(
                    name(condition, mode, method),
                    preset,
                    (*recipe, *settings),
                    SEEDS[: _seeds(condition, method)],
                    varied=tuple(f"data.held_out_speaker={s}" for s in SPEAKERS) if spoken else (),
                )


def _seeds(condition: str, method: str) -> int:
    """How many; floats are slow, but not on spoken digits."""
    if condition == "a speaker held out":
        return len(SPEAKERS)
    return 2 if method == headline.FLOAT else 3


def name(condition: str, mode: str, method: str) -> str:
    """A row's name."""
    return f"{condition}, {mode}, {method.replace('`', '')}"


def hard_table(done: Outcomes) -> str:
    """A line per condition and mode."""
    lines = []
    for condition in CONDITIONS:
        for mode in MODES:
            runs = {one: done[name(condition, mode, one)] for one in METHODS}
            cells = [both(found, _seeds(condition, one)) for one, found in runs.items()]
            above = _same_seeds(runs[_PRESET], runs[headline.FLOAT])
            lines.append([f"{condition}, {mode}", *cells, above])
    return table(["", *METHODS, f"{_PRESET} minus float, same seeds, points"], lines)


def _same_seeds(integers: Sequence[Outcome], floats: Sequence[Outcome]) -> str:
    """How far the preset's runs are above the floats' with the same seeds, on average."""
    seeds = {run.seed for run in floats}
    pairs = [run for run in integers if run.seed in seeds]
    return points(mean(pairs) - mean(floats)) if pairs and len(pairs) == len(floats) else MISSING


def preset_table() -> str:
    """Condition and preset."""
    return "\n".join(f"| {condition} | `{preset}` |" for condition, preset in CONDITIONS.items())
