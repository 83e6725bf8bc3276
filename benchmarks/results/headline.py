"""The headline: every recipe on the paper's two data sets, against the published and the float."""

from collections.abc import Iterator, Sequence

from benchmarks.results.carry_out import Outcomes
from benchmarks.results.outcome import TARGET, Outcome
from benchmarks.results.row import SEEDS, Row
from benchmarks.results.text import MISSING, both, mean, points, share, table

from tifed.experiment.report.amounts import amount_of_bytes
from tifed.studies import published
from tifed.studies.studies import PLAIN_FLOAT, RATES

MODES = ("full-network", "single-layer")
DATASETS = {"fashion-mnist": "Fashion-MNIST", "mnist": "MNIST"}
PLACES = tuple((dataset, mode) for dataset in DATASETS for mode in MODES)
BEST = "`tuned-absolute`, momentum"
BYTES = "`tuned-absolute`, 8 bits"
FLOAT = "float FedAvg, tuned as hard"
INTEGERS = {
    "`tuned`": ("recipe=tuned",),
    "`tuned-absolute`": ("recipe=tuned-absolute",),
    BEST: (),
    "`tuned-int8`": ("recipe=tuned-int8",),
    BYTES: ("recipe=tuned-absolute", "recipe_settings.weight_bits=8"),
    "`paper`": (),
}
FLOATS = {
    FLOAT: ("recipe=float-fedavg",),
    "float FedAvg, plain": ("recipe=float-fedavg", *PLAIN_FLOAT),
    "float DFA": (
        "recipe=float-fedavg",
        "recipe_settings.feedback=dfa",
        "recipe_settings.learning_rate=0.03",
    ),
}
EVERY = 5
"""Rounds between two measurements of the curves: to measure takes longer than to train."""

_SINGLE = {
    "float FedAvg, plain": ("recipe_settings.learning_rate=0.05",),
    "float DFA": ("recipe_settings.learning_rate=0.02",),
}
"""In single-layer mode the rates of full-network mode are worse, or diverge."""

METHODS = (*INTEGERS, *FLOATS)


def rows() -> Iterator[Row]:
    """Ten seeds, of the slow floats five or three; Fashion-MNIST with its curves."""
    for dataset, mode in PLACES:
        for method in METHODS:
            if method == BEST and mode == "single-layer":
                continue  # its settings are those of full-network mode
            preset = dataset
            if method in (BEST, "`paper`"):
                preset += "-best" if method == BEST else "-paper"
            settings = (INTEGERS | FLOATS)[method]
            if mode == "single-layer":
                settings = (*settings, *_SINGLE.get(method, ()))
            yield Row(
                name(dataset, mode, method),
                preset,
                (*settings, f"mode={mode}"),
                SEEDS[: _seeds(method)],
                curve=EVERY if dataset == "fashion-mnist" else 0,
            )


def _seeds(method: str) -> int:
    """How many; floats are slow."""
    if method in INTEGERS:
        return len(SEEDS)
    return 5 if method == FLOAT else 3


def name(dataset: str, mode: str, method: str) -> str:
    """A row's name."""
    return f"{dataset}, {mode}, {method.replace('`', '')}"


def accuracy_table(done: Outcomes) -> str:
    """Accuracies, final round, beside what was published."""
    lines = []
    for method in METHODS:
        runs = [done.get(name(*place, method)) for place in PLACES]
        number = _seeds(method)
        cells = ["" if one is None else both(one, number) for one in runs]
        lines.append([method, str(number), *cells])
    cited = [_cited(*place) for place in PLACES]
    lines.append(["published: best round on the test set", "100", *cited])
    above = [_above(done, *place) for place in PLACES]
    lines.append(["best integers minus tuned float, points", "", *above])
    header = [f"{DATASETS[dataset]}<br>{mode}" for dataset, mode in PLACES]
    return table(["", "seeds", *header], lines)


def _above(done: Outcomes, dataset: str, mode: str) -> str:
    """By how much the best integers pass the floats that were tuned as hard."""
    floats = done[name(dataset, mode, FLOAT)]
    integers = [done.get(name(dataset, mode, one), ()) for one in INTEGERS]
    if not floats or not any(integers):
        return MISSING
    return points(max(mean(runs) for runs in integers if runs) - mean(floats))


def byte_table(done: Outcomes) -> str:
    """What a device sends: per round, in the whole run, and up to the target."""
    lines = []
    for mode in MODES:
        for method in METHODS:
            runs = done.get(name("fashion-mnist", mode, method))
            if not runs:
                continue
            whole = _mean([run.bytes_up for run in runs])
            amounts = amount_of_bytes(whole / 150), amount_of_bytes(whole)
            lines.append([method, mode, *amounts, *_to_target(runs)])
    header = ["", "mode", "up per round", "up, whole run", f"up to reach {TARGET:.0%}", "rounds"]
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
    """A few lines of `accuracy_table` with the bytes of a round, for the front page."""
    lines = []
    for method in (BEST, "`tuned-absolute`", "`tuned`", "`tuned-int8`", BYTES, FLOAT, "`paper`"):
        runs = [done.get(name(*place, method)) for place in PLACES]
        cells = [share(mean(one)) if one else "" if one is None else MISSING for one in runs]
        up = [run.bytes_up for run in runs[0] or ()]
        lines.append([method, *cells, amount_of_bytes(up[0] / 150) if up else MISSING])
    cited = [_cited(*place).split()[0] for place in PLACES]
    lines.append(["published (best round on the test set)", *cited, ""])
    header = [f"{DATASETS[dataset]}<br>{mode}" for dataset, mode in PLACES]
    return table(["test accuracy, final round", *header, "up per round"], lines)
