"""Presets for boards with little memory."""

from collections.abc import Iterator

from benchmarks.results.carry_out import Outcomes
from benchmarks.results.headline import PLACES
from benchmarks.results.row import SEEDS, Row
from benchmarks.results.text import MISSING, both, table

from tifed.experiment.report.amounts import amount_of_bytes

PRESETS = ("fashion-mnist-octants-32kb", "fashion-mnist-edges-small-16kb")


def rows() -> Iterator[Row]:
    """Ten seeds of everything."""
    for preset in PRESETS:
        for dataset, mode in PLACES:
            settings = (f"dataset={dataset}", f"mode={mode}")
            yield Row(name(preset, dataset, mode), preset, settings, SEEDS)


def name(preset: str, dataset: str, mode: str) -> str:
    """A row's name."""
    return f"{preset}, {dataset}, {mode}"


def small_board_table(done: Outcomes) -> str:
    """A line per preset."""
    lines = []
    for preset in PRESETS:
        runs = [done[name(preset, *place)] for place in PLACES]
        sent = amount_of_bytes(runs[0][0].bytes_up) if runs[0] else MISSING
        lines.append([f"`{preset}`", sent, *(both(one, len(SEEDS)) for one in runs)])
    header = [f"{dataset}<br>{mode}" for dataset, mode in PLACES]
    return table(["preset", "sent by a device", *header], lines)
