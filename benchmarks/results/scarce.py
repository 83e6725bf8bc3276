"""Few samples: 100 pictures a device, and few rounds."""

from collections.abc import Iterator, Mapping

from benchmarks.results.carry_out import Outcomes
from benchmarks.results.headline import FLOAT, PAPER, TUNED
from benchmarks.results.inputs import OCTANTS, Input
from benchmarks.results.row import SEEDS, Row
from benchmarks.results.text import both, table

CASES = {
    (8, 5): "8 devices, 5 rounds",
    (64, 5): "64 devices, 5 rounds",
    (64, 20): "64 devices, 20 rounds",
}
"""Devices and rounds; in five rounds a device uses each of its pictures once."""

PIXELS = Input(None, (784, 50, 10))
LINES = (
    (TUNED, PIXELS, 10),
    (TUNED, Input("edges", (784, 50, 10)), 10),
    (TUNED, Input("octants-second-order", (784, 50, 10)), 10),
    (TUNED, OCTANTS, 10),
    (PAPER, PIXELS, 5),
    (PAPER, OCTANTS, 5),
    (FLOAT, PIXELS, 5),
    (FLOAT, OCTANTS, 5),
)
"""How a network learns, what it sees, and with how many seeds."""

_COMMON = ("partition.limit_per_device=100", "buffer=20", "batch=10", "local_epochs=10")
_FLOAT = (
    "baseline=float-fedavg",
    "baseline_settings.server_rate=2",
    "baseline_settings.server_momentum=0",
    "baseline_settings.running_mean=2",
    "baseline_settings.decay_percent=80",
)
_OWN: Mapping[tuple[str, Input], tuple[str, ...]] = {
    (PAPER, PIXELS): ("recipe_settings.inverse_learning_rate=1024",),
    (PAPER, OCTANTS): ("recipe_settings.inverse_learning_rate=1024",),
    (FLOAT, PIXELS): (*_FLOAT, "baseline_settings.learning_rate=0.1"),
    (FLOAT, OCTANTS): (*_FLOAT, "baseline_settings.learning_rate=0.4"),
}
"""Chosen on validation samples (seed 100) among three to five learning rates, floats' with these
settings, with those of plain FedAvg, and with a running mean alone."""


def rows() -> Iterator[Row]:
    """Fashion-MNIST, full-network mode."""
    for devices, rounds in CASES:
        case = (f"devices={devices}", f"rounds={rounds}")
        for method, one, seeds in LINES:
            preset = "fashion-mnist-paper" if method == PAPER else "fashion-mnist"
            settings = (*one.settings, *case, *_COMMON, *_OWN.get((method, one), ()))
            yield Row(name(devices, rounds, method, one), preset, settings, SEEDS[:seeds])


def name(devices: int, rounds: int, method: str, one: Input) -> str:
    """A row's name."""
    return f"{CASES[devices, rounds]}, {method}, {one.name}".replace("`", "")


def scarce_table(done: Outcomes) -> str:
    """A line per method and input."""
    lines = []
    for method, one, seeds in LINES:
        cells = [both(done[name(*case, method, one)], seeds) for case in CASES]
        lines.append([method, one.sees, one.shape, str(seeds), *cells])
    return table(["", "sees", "network", "seeds", *CASES.values()], lines)
