"""Short updates: accuracy against the bytes that a device sends and gets in the whole run.

Steps were chosen on validation samples (seeds 1 and 2), so the seeds here are others.
"""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.results.carry_out import Outcomes
from benchmarks.results.inputs import OCTANTS, PIXELS, SECOND, SMALL, Input
from benchmarks.results.outcome import Outcome
from benchmarks.results.row import Row
from benchmarks.results.text import MISSING, both, difference, table

MODES = ("full-network", "single-layer")
SEEDS = tuple(range(101, 111))
FRESH = tuple(range(201, 206))
"""For the network that was added after test figures of seeds from 101 on had been seen."""

IID, UNEVEN, SAMPLED = "8 devices", "8 devices, Dirichlet 0.1", "10 of 100 devices"
REGIMES: Mapping[str, tuple[str, ...]] = {
    IID: (),
    UNEVEN: ("partition.kind=dirichlet", "partition.alpha=0.1"),
    SAMPLED: ("devices=100", "devices_per_round=10"),
}

WHOLE, FOUR, TERNARY = "whole", "up `ternary`, down `4-bit`", "both `ternary`"
TWICE, FOURFOLD, EIGHTFOLD = (
    f"both `ternary`, steps \N{MULTIPLICATION SIGN} {times} up" for times in (2, 4, 8)
)
FINE, COARSE = "up `4-bit` with residual, down `ternary`", "both `ternary`, residual"
ROWS = "both `ternary`, `rows = 4`"
WAYS = (WHOLE, FOUR, TERNARY, FINE, COARSE, TWICE, FOURFOLD, EIGHTFOLD)
PAIRS, TRIPLES = (f"both `ternary`, {count} buffers a round" for count in (2, 3))
LONG_TRIPLES = f"{TRIPLES}, steps \N{MULTIPLICATION SIGN} 2 up"
BUFFERS = (PAIRS, TRIPLES, LONG_TRIPLES)
"""The same number of samples in fewer rounds; steps by rule are twice as long then."""
_LONGER = {TWICE: 1, FOURFOLD: 2, EIGHTFOLD: 3}
"""By how many bits the steps of hidden layers are longer than by rule."""
_OUTPUT = 5
"""With the longest ones the output layer has 4 bits, in steps of 2 to this power."""
_CODED = ("compression.upload=ternary", "compression.coder=true")
_KEPT = ("compression.coder=true", "compression.residual=true", "compression.download=ternary")
_SETTINGS: Mapping[str, tuple[str, ...]] = {
    WHOLE: (),
    FOUR: (*_CODED, "compression.download=4-bit"),
    TERNARY: (*_CODED, "compression.download=ternary"),
    FINE: ("compression.upload=4-bit", *_KEPT),
    COARSE: ("compression.upload=ternary", *_KEPT),
    ROWS: (*_CODED, "compression.download=ternary", "compression.rows=4"),
    PAIRS: (*_CODED, "compression.download=ternary", "buffers_per_round=2", "rounds=75"),
    TRIPLES: (*_CODED, "compression.download=ternary", "buffers_per_round=3", "rounds=50"),
}


@dataclass(frozen=True)
class Case:
    """A network, and what it is measured with.

    Attributes:
        input: what it sees, and its layers.
        dataset: the data.
        shift: by rule, of the hidden layer's ternary numbers in full-network mode; it is one more
            in single-layer mode.
        ways: of sending.
        regimes: of the data.
        seeds: of everything random.
    """

    input: Input
    dataset: str
    shift: int
    ways: tuple[str, ...] = WAYS
    regimes: tuple[str, ...] = tuple(REGIMES)
    seeds: tuple[int, ...] = SEEDS

    @property
    def label(self) -> str:
        """The network, for people."""
        return f"digits, {self.input.shape}" if self.dataset == "digits" else self.input.name

    def name(self, mode: str, regime: str, way: str) -> str:
        """A row's name."""
        return f"short updates, {self.label}, {mode}, {regime}, {way}".replace("`", "")

    def row(self, mode: str, regime: str, way: str) -> Row:
        """What is run for it."""
        settings = (*self.input.settings, f"mode={mode}", *REGIMES[regime], *self._sent(mode, way))
        return Row(self.name(mode, regime, way), self.dataset, settings, self.seeds)

    def _sent(self, mode: str, way: str) -> tuple[str, ...]:
        if way in _SETTINGS:
            return _SETTINGS[way]
        if way == LONG_TRIPLES:
            shift = self.shift + 2 + (mode == "single-layer")
            return (*_SETTINGS[TRIPLES], f"compression.upload_shift={shift}")
        shift = self.shift + _LONGER[way] + (mode == "single-layer")
        if way == TWICE:
            return (*_SETTINGS[TERNARY], f"compression.upload_shift={shift}")
        return (
            'compression.upload=["ternary", "4-bit"]',
            f"compression.upload_shift=[{shift}, {_OUTPUT}]",
            *_SETTINGS[TERNARY][1:],
        )

    def exchanged(self, regime: str) -> float:
        """Parameters of the network times buffers of a device, of which a tenth is asked for."""
        rounds = 60 if self.dataset == "digits" else 150
        return self.input.parameters * rounds / (10 if regime == SAMPLED else 1)


SMALLER = Input("octants", (392, 26, 10))
DIGITS = Case(Input(None, (64, 32, 10)), "digits", 6, (WHOLE, FOUR, TERNARY, ROWS), (IID,))
CASES = (
    Case(SECOND, "fashion-mnist", 7, WAYS + BUFFERS, seeds=SEEDS[:5]),
    Case(OCTANTS, "fashion-mnist", 8, WAYS[:6]),
    Case(SMALLER, "fashion-mnist", 8, WAYS[:5], (IID,), FRESH),
    Case(SMALL, "fashion-mnist", 8, WAYS[:6]),
    Case(PIXELS, "fashion-mnist", 5, WAYS[:3] + WAYS[5:], (IID,), SEEDS[:5]),
    DIGITS,
)


def rows() -> Iterator[Row]:
    """Every way of sending; where data are dealt unevenly or to many, without 4 bits down."""
    for case in CASES:
        for regime in case.regimes:
            for mode in MODES:
                for way in ways_of(case, regime):
                    yield case.row(mode, regime, way)


def ways_of(case: Case, regime: str) -> tuple[str, ...]:
    """The ways of sending that are measured there."""
    return tuple(way for way in case.ways if regime == IID or way != FOUR)


def short_table(done: Outcomes, regimes: Sequence[str] = tuple(REGIMES)) -> str:
    """A line per network, regime, mode and way."""
    lines = []
    for case in CASES:
        for regime in (one for one in case.regimes if one in regimes):
            for mode in MODES:
                plain = done[case.name(mode, regime, WHOLE)]
                for way in ways_of(case, regime):
                    runs = done[case.name(mode, regime, way)]
                    gap = "" if way == WHOLE else difference(runs, plain)
                    where = [case.label, *([regime] if len(regimes) > 1 else []), mode]
                    score = both(runs, len(case.seeds))
                    lines.append([*where, way, score, gap, *_sent(case, regime, runs)])
    where = ["network", *(["devices"] if len(regimes) > 1 else []), "mode"]
    return table([*where, "sent", "accuracy", "points", "kB up", "kB down",
                  "up, B", "down, B"], lines)  # fmt: skip


def _sent(case: Case, regime: str, runs: Sequence[Outcome]) -> list[str]:
    """Up and down: kB of a device in the whole run, and bytes a parameter and buffer."""
    if not runs:
        return [MISSING] * 4
    sums = [statistics.fmean(one) for one in ([run.bytes_up for run in runs],
                                              [run.bytes_down for run in runs])]  # fmt: skip
    each = case.exchanged(regime)
    return [*(f"{total / 1000:,.0f}" for total in sums), *(f"{total / each:.3f}" for total in sums)]
