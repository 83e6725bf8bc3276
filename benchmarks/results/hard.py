"""Federations that are hard: data that differ, devices that are seldom asked, fail or are small."""

from collections.abc import Iterator

from benchmarks.results.carry_out import Outcomes
from benchmarks.results.headline import FLOAT, TUNED, settings_of
from benchmarks.results.inputs import EDGES, OCTANTS, PIXELS, Input
from benchmarks.results.row import SEEDS, Row
from benchmarks.results.text import both, difference, table

SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
SPOKEN = "a speaker held out"

CONDITIONS = {
    "Dirichlet 1.0": "fashion-mnist-dirichlet-1",
    "Dirichlet 0.1": "fashion-mnist-dirichlet-0.1",
    "two classes a device": "fashion-mnist-two-classes",
    "10 of 100 devices a round": "fashion-mnist-sampled",
    "30 % fail each round": "fashion-mnist-faults",
    SPOKEN: "spoken-digits-new-speaker",
}
"""Condition and preset."""

MODES = ("full-network", "single-layer", "memory-aware")
COLUMNS = (
    (TUNED, PIXELS, 5),
    (FLOAT, PIXELS, 2),
    (TUNED, EDGES, 5),
    (TUNED, OCTANTS, 5),
    (FLOAT, OCTANTS, 2),
)
"""How a network learns, what it sees, and with how many seeds; floats are slow."""

_FURTHER = {("two classes a device", "full-network", TUNED): ("recipe_settings.server_rate=4",)}
"""What a row has beside its preset."""

_BUDGETS = {
    PIXELS: "memory.budgets=[400000, 65536]",
    EDGES: "memory.budgets=[400000, 65536]",
    SPOKEN: "memory.budgets=[65536, 20480]",
}
"""Every other device has room for the whole network, the others for the output layer alone (the
rest in flash). The network behind `octants` is so small that no such device is needed."""


def rows() -> Iterator[Row]:
    """With held-out speakers one run for each of the six."""
    for condition, preset in CONDITIONS.items():
        for mode in MODES:
            for method, one, seeds in _columns(condition, mode):
                settings = [*settings_of(method, one, mode), f"mode={mode}"]
                settings += _FURTHER.get((condition, mode, method), ())
                if condition == SPOKEN:
                    settings.remove(one.settings[-1])  # its network is the preset's
                if mode == "memory-aware":
                    budget = _BUDGETS[SPOKEN if condition == SPOKEN else one]
                    settings += [budget, "memory.frozen_in=flash"]
                varied = [f"data.held_out_speaker={speaker}" for speaker in SPEAKERS]
                yield Row(
                    name(condition, mode, method, one),
                    preset,
                    tuple(settings),
                    SEEDS[:seeds],
                    varied=tuple(varied) if condition == SPOKEN else (),
                )


def _columns(condition: str, mode: str) -> Iterator[tuple[str, Input, int]]:
    """Those that there are; sounds have no edges."""
    for method, one, seeds in COLUMNS:
        if condition == SPOKEN and one is PIXELS:
            yield method, one, len(SPEAKERS)
        elif condition != SPOKEN and (mode != "memory-aware" or one in _BUDGETS):
            yield method, one, seeds


def name(condition: str, mode: str, method: str, one: Input) -> str:
    """A row's name."""
    return f"{condition}, {mode}, {method}, {one.name}".replace("`", "")


def hard_table(done: Outcomes) -> str:
    """A line per condition and mode."""
    lines = []
    for condition in CONDITIONS:
        for mode in MODES:
            seeds = {(method, one): count for method, one, count in _columns(condition, mode)}
            runs = {key: done[name(condition, mode, *key)] for key in seeds}
            cells = [
                both(runs[method, one], seeds[method, one]) if (method, one) in runs else ""
                for method, one, _ in COLUMNS
            ]
            above = [
                difference(runs[TUNED, one], runs[FLOAT, one]) if (FLOAT, one) in runs else ""
                for one in (PIXELS, OCTANTS)
            ]
            lines.append([f"{condition}, {mode}", *cells, *above])
    header = [f"{method}<br>{one.sees}<br>{one.shape}" for method, one, _ in COLUMNS]
    above = [f"integers minus floats,<br>{one.sees}, points" for one in (PIXELS, OCTANTS)]
    return table(["", *header, *above], lines)


def preset_table() -> str:
    """Condition and preset."""
    return "\n".join(f"| {condition} | `{preset}` |" for condition, preset in CONDITIONS.items())
