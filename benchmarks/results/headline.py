"""The headline: the paper's experiment on pixels and on front ends, in integers and in floats."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.results.carry_out import Outcomes
from benchmarks.results.inputs import EDGES, INPUTS, NARROW, OCTANTS, PIXELS, SECOND, SMALL, Input
from benchmarks.results.outcome import TARGET, Outcome
from benchmarks.results.row import SEEDS, Row
from benchmarks.results.text import MISSING, both, difference, mean, table

from tifed.experiment.report.amounts import amount_of_bytes, share
from tifed.studies import published
from tifed.studies.studies import PLAIN_FLOAT, RATES

MODES = ("full-network", "single-layer")
DATASETS = {"fashion-mnist": "Fashion-MNIST", "mnist": "MNIST"}
PLACES = tuple((dataset, mode) for dataset in DATASETS for mode in MODES)
EVERY = 5
"""Rounds between two measurements of the curves."""

TUNED, INT8, PAPER = "`tuned`", "`tuned`, 8 bits", "`paper`"
SHIFTED = "`tuned`, shift copies"
FLOAT, PLAIN, DFA = "float FedAvg, tuned as hard", "float FedAvg, plain", "float DFA"
FLOAT_SHIFTED = f"{FLOAT}, shift copies"
_SETTINGS = {
    TUNED: (),
    INT8: ("recipe_settings.weight_bits=8",),
    SHIFTED: ("pixel_shifts=true",),
    PAPER: (),
    FLOAT: ("baseline=float-fedavg",),
    FLOAT_SHIFTED: ("baseline=float-fedavg", "pixel_shifts=true"),
    PLAIN: ("baseline=float-fedavg", *PLAIN_FLOAT),
    DFA: (
        "baseline=float-fedavg",
        "baseline_settings.feedback=dfa",
        "baseline_settings.learning_rate=0.03",
    ),
}
_SINGLE = {
    PLAIN: ("baseline_settings.learning_rate=0.05",),
    DFA: ("baseline_settings.learning_rate=0.02",),
}
"""In single-layer mode the rates of full-network mode are worse, or diverge."""
RATE = {
    FLOAT: "baseline_settings.learning_rate",
    PAPER: "recipe_settings.inverse_learning_rate",
}
CHOSEN: Mapping[tuple[str, str | None, str], float] = {
    (FLOAT, "edges", "full-network"): 0.1,
    (FLOAT, "edges", "single-layer"): 0.2,
    (FLOAT, "octants-second-order", "full-network"): 0.2,
    (FLOAT, "octants-second-order", "single-layer"): 0.2,
    (FLOAT, "octants", "full-network"): 0.2,
    (FLOAT, "octants", "single-layer"): 0.4,
    (FLOAT, "edges-small", "full-network"): 0.2,
    (FLOAT, "edges-small", "single-layer"): 0.3,
    (PAPER, "octants", "full-network"): 4096,
    (PAPER, "octants", "single-layer"): 16384,
}
"""Learning rates behind a front end: the best of `rates`, unless it is the one on pixels."""


@dataclass(frozen=True)
class Line:
    """A line of the tables: how a network learns, what it sees, and with how many seeds."""

    method: str
    input: Input
    seeds: int = len(SEEDS)

    def row(self, dataset: str, mode: str) -> str:
        """The name of its row on ``dataset`` in ``mode``."""
        return f"{dataset}, {mode}, {self.method}, {self.input.name}".replace("`", "")


LINES = (
    *(Line(TUNED, one) for one in INPUTS),
    *(Line(SHIFTED, one) for one in (PIXELS, SECOND, NARROW, OCTANTS, SMALL)),
    Line(INT8, PIXELS),
    Line(INT8, EDGES, 5),
    Line(INT8, OCTANTS),
    Line(INT8, SMALL),
    *(Line(PAPER, one) for one in (PIXELS, EDGES, OCTANTS)),
    Line(FLOAT, PIXELS, 5),
    Line(FLOAT, EDGES, 3),
    Line(FLOAT, SECOND, 3),
    Line(FLOAT, OCTANTS, 5),
    Line(FLOAT, SMALL, 5),
    Line(FLOAT_SHIFTED, OCTANTS, 3),
    Line(PLAIN, PIXELS, 3),
    Line(DFA, PIXELS, 3),
)
CURVES = (
    Line(TUNED, SECOND),
    Line(TUNED, OCTANTS),
    Line(TUNED, SMALL),
    Line(TUNED, PIXELS),
    Line(FLOAT, OCTANTS, 5),
    Line(FLOAT, PIXELS, 5),
    Line(PAPER, PIXELS),
)
"""Whose accuracy on Fashion-MNIST in full-network mode is measured on the way: it takes time."""

FRONT_PAGE = (
    *(Line(TUNED, one) for one in INPUTS),
    Line(SHIFTED, NARROW),
    Line(INT8, OCTANTS),
    Line(FLOAT, PIXELS, 5),
    Line(FLOAT, OCTANTS, 5),
    Line(PAPER, PIXELS),
)
"""The lines that README.md shows."""


def places(line: Line) -> tuple[tuple[str, str], ...]:
    """Where a line is run: shift copies are for digits."""
    return PLACES[2:] if line.method in (SHIFTED, FLOAT_SHIFTED) else PLACES


def rows() -> Iterator[Row]:
    """All lines but those with 8 bits."""
    yield from _rows(line for line in LINES if line.method != INT8)


def rows_of_8_bits() -> Iterator[Row]:
    """The same with 8-bit weights."""
    yield from _rows(line for line in LINES if line.method == INT8)


def _rows(lines: Iterator[Line]) -> Iterator[Row]:
    for line in lines:
        for dataset, mode in places(line):
            preset = "fashion-mnist-paper" if line.method == PAPER else "fashion-mnist"
            drawn = line in CURVES and (dataset, mode) == PLACES[0]
            yield Row(
                line.row(dataset, mode),
                preset,
                (f"dataset={dataset}", *settings_of(line.method, line.input, mode), f"mode={mode}"),
                SEEDS[: line.seeds],
                curve=EVERY if drawn else 0,
            )


def settings_of(method: str, one: Input, mode: str) -> tuple[str, ...]:
    """``key=value`` of a method and what it sees, with the learning rate that floats need there."""
    rate = _SINGLE.get(method, ()) if mode == "single-layer" else ()
    like = FLOAT if method == FLOAT_SHIFTED else method
    if (like, one.front_end, mode) in CHOSEN:
        rate = (f"{RATE[like]}={CHOSEN[like, one.front_end, mode]}",)
    return (*one.settings, *_SETTINGS[method], *rate)


def accuracy_table(done: Outcomes) -> str:
    """Accuracies, final round, beside what was published."""
    lines = []
    for line in LINES:
        runs = [done[line.row(*place)] for place in places(line)]
        cells = [""] * (len(PLACES) - len(runs)) + [both(one, line.seeds) for one in runs]
        lines.append([*_labels(line), _sent(runs[0]), str(line.seeds), *cells])
    cited = [_cited(*place) for place in PLACES]
    published_label = "TIFeD as published: best round on the test set"
    lines.append([published_label, "pixels", "784-200-10", "159,010", "", "100", *cited])
    lines += [[f"{name}, central training", "pixels", "", "", "", "", found, "", "", ""]
              for name, found in NITRO_D.items()]  # fmt: skip
    header = ["", "sees", "network", "parameters", "sent by a device", "seeds", *_HEADER]
    return table(header, lines)


_HEADER = [f"{DATASETS[dataset]}<br>{mode}" for dataset, mode in PLACES]

NITRO_D = {"NITRO-D, an MLP": ".8866", "NITRO-D, VGG8B": ".9366"}
"""Integer-only training of one machine with all the data, as published (arXiv 2407.11698)."""


def _labels(line: Line) -> list[str]:
    one = line.input
    return [line.method, one.sees, one.shape, f"{one.parameters:,}"]


def _sent(runs: Sequence[Outcome]) -> str:
    """By a device in the whole run, mean over seeds."""
    return amount_of_bytes(_mean([run.bytes_up for run in runs])) if runs else MISSING


def against_floats_table(done: Outcomes) -> str:
    """How far `tuned` is above float FedAvg that sees the same, on the same seeds."""
    lines = []
    for floats in (line for line in LINES if line.method == FLOAT):
        integers = Line(TUNED, floats.input)
        pairs = [(done[integers.row(*place)], done[floats.row(*place)]) for place in PLACES]
        lines.append([*_labels(floats)[1:], *(difference(*pair) for pair in pairs)])
    return table(["sees", "network", "parameters", *_HEADER], lines)


def byte_table(done: Outcomes) -> str:
    """What a device sends in full-network mode: a round, the whole run, and up to the target."""
    lines = []
    for line in CURVES:
        runs = done[line.row(*PLACES[0])]
        if runs:
            whole = _mean([run.bytes_up for run in runs])
            amounts = amount_of_bytes(whole / 150), amount_of_bytes(whole)
            lines.append([*_labels(line), *amounts, *_to_target(runs)])
    reach = f"sent up to {TARGET:.0%}"
    header = ["", "sees", "network", "parameters", "sent in a round", "in the run", reach, "rounds"]
    return table(header, lines)


def _cited(dataset: str, mode: str) -> str:
    """The published figure at the best of the three learning rates."""
    found = [published().find(dataset, mode, rate) for rate in RATES]
    best = max((one.best_over_rounds for one in found if one), key=lambda spread: spread.mean)
    return f"{share(best.mean)} ± {share(best.std)}"


def _to_target(runs: Sequence[Outcome]) -> tuple[str, str]:
    """Bytes and rounds, means over the runs that got there."""
    there = [run for run in runs if run.rounds_to_target]
    if not there:
        return "never", ""
    some = "" if len(there) == len(runs) else f" ({len(there)} of {len(runs)} runs)"
    rounds = _mean([run.rounds_to_target for run in there])
    return amount_of_bytes(_mean([run.bytes_to_target for run in there])) + some, f"{rounds:.0f}"


def _mean(values: Sequence[int]) -> float:
    return sum(values) / len(values)


def headline_table(done: Outcomes) -> str:
    """A few lines of `accuracy_table`, means alone, for the front page."""
    lines = []
    for line in FRONT_PAGE:
        runs = [done[line.row(*place)] for place in places(line)]
        cells = [share(mean(one)) if one else MISSING for one in runs]
        cells = [""] * (len(PLACES) - len(runs)) + cells
        method, *network = _labels(line)
        lines.append([f"{method}: {', '.join(network[:2])}", network[2], _sent(runs[0]), *cells])
    cited = [_cited(*place).split()[0] for place in PLACES]
    lines.append(
        ["published (best round on the test set): pixels, 784-200-10", "159,010", "", *cited]
    )
    return table(["", "parameters", "sent by a device", *_HEADER], lines)


def front_end_table(done: Outcomes) -> str:
    """`tuned` on everything that it was tried on, for the page of front ends."""
    lines = []
    for line in (one for one in LINES if one.method == TUNED):
        runs = [done[line.row(*place)] for place in PLACES]
        cells = [both(one, line.seeds) for one in runs]
        lines.append([*_labels(line)[1:], _sent(runs[0]), *cells])
    return table(["sees", "network", "parameters", "sent by a device", *_HEADER], lines)
