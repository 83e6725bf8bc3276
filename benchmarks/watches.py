"""Exercises with a watch: accuracy on people nobody trained on, and what a wearer's own data give.

    python benchmarks/watches.py [--seeds 5] [--first-seed 801] [--out docs/results/watches.csv]

Five times two of the ten people are held out and eight train, a device for each, with the preset
`watches`; both modes, each seed. Then each person who was held out goes on alone, from the model of
the others, with the windows of the first 8.58 seconds of each exercise: 60 seconds of one arm, or
120 of both. What is measured on begins after that; the last table has other rules of when the
personal model stays. Writes a line for each person and prints the tables of docs/motion.md.
"""

import argparse
import csv
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tifed import Experiment, load_experiment
from tifed.data.builtin.watches import EXERCISES, MIRROR, SCALE, SIDES, recordings
from tifed.data.readings import as_readings
from tifed.experiment.setup import Setup, build, load_data
from tifed.experiment.training import IntegerTraining
from tifed.federation import (
    PersonalRounds,
    PersonalScore,
    ServerState,
    personal_work,
    published,
)
from tifed.federation.device import Stream
from tifed.fleets.simulated import SimulatedFleet
from tifed.native.motion import features
from tifed.rule.integer.rounding import Integers
from tifed.rule.network import Parameters
from tifed.rule.signal.motion import MotionFrontEnd

Floats = NDArray[np.float64]
FOLDS = tuple((str(2 * fold + 1), str(2 * fold + 2)) for fold in range(5))
MODES = ("full-network", "single-layer")
FIRST_SEED = 801
FIRST_READINGS = 429
"""8.58 seconds of each of seven exercises are a minute."""
HELD_OUT_EVERY = 3
PERSONAL = {"last": (1,), "all": (0, 1)}
ROUNDS, EXTRA_SHIFT = 10, 0
"""Personal rounds, and how often steps are halved in them on top of the last round's."""
MARGINS = (0, 1, 2, 3, 4, 5)
"""How many more held-out windows have to be right for the personal model to stay; it is 0."""


@dataclass(frozen=True)
class Row:
    """How many of a person's windows (or recordings) a model classifies rightly.

    Attributes:
        mode: of the federation.
        seed: of everything random.
        person: who was held out.
        trained: "others" before anything personal; else which arm and layers the device went on
            with, and it is the model that it keeps.
        judged: "window" or "recording", and in personal figures the arm whose windows these are.
        right: how many rightly.
        total: of how many.
    """

    mode: str
    seed: int
    person: str
    trained: str
    judged: str
    right: int
    total: int


@dataclass(frozen=True)
class Windows:
    """Windows of all recordings as features, and where each is from.

    Attributes:
        features: int8 (N, F).
        labels: int32 (N,).
        people: of each window.
        sides: of each window.
        recording: of each window, a number.
        begin: the reading of its recording that each begins with.
    """

    features: NDArray[np.int8]
    labels: NDArray[np.int32]
    people: NDArray[np.str_]
    sides: NDArray[np.str_]
    recording: Integers
    begin: Integers

    def at(self, chosen: NDArray[np.bool_]) -> "Windows":
        """Some of them."""
        return Windows(*(getattr(self, field.name)[chosen] for field in fields(self)))


def all_windows(front_end: MotionFrontEnd) -> Windows:
    """Every window of each recording, as the device's own code makes them."""
    table = recordings()
    readings, _ = as_readings(table, SCALE, MIRROR, Path("watches"))
    if table.segments is None or table.groups is None or table.sides is None:
        raise ValueError("recordings without numbers, people or sides")
    edges = np.flatnonzero(np.diff(table.segments, prepend=-1, append=-1))
    first, begin = [], []
    for edge, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        begins = np.arange(0, end - edge - front_end.window + 1, front_end.hop)
        first.append(edge + begins)
        begin.append(begins)
    rows = np.concatenate(first)
    cut = np.lib.stride_tricks.sliding_window_view(readings.features, front_end.window, axis=0)
    made = features(front_end, np.ascontiguousarray(cut[rows].transpose(0, 2, 1)))
    labels = np.array([EXERCISES.index(name) for name in table.labels[rows]], np.int32)
    return Windows(
        made, labels, table.groups[rows], table.sides[rows], table.segments[rows],
        np.concatenate(begin),
    )  # fmt: skip


def majority(found: Integers, windows: Windows) -> tuple[int, int]:
    """Recordings whose windows are mostly found to be of their class, and how many there are."""
    right = [
        int(np.bincount(found[of]).argmax()) == windows.labels[of][0]
        for of in (windows.recording == number for number in np.unique(windows.recording))
    ]
    return sum(right), len(right)


def held_out_rows(mode: str, seed: int, test: Windows, found: Integers) -> Iterator[Row]:
    """A federation's model, which found these classes, on people whom it has never seen."""
    for person in np.unique(test.people).tolist():
        there = test.people == person
        own, classes = test.at(there), found[there]
        right = int((classes == own.labels).sum())
        yield Row(mode, seed, person, "others", "window", right, len(own.labels))
        yield Row(mode, seed, person, "others", "recording", *majority(classes, own))


def gone_on(
    setup: Setup, state: ServerState, seed: int, own: Windows, personal: PersonalRounds, every: int
) -> tuple[PersonalScore, Parameters]:
    """What a device with these windows of its own tells after personal rounds, and its new model.

    It has them in an order drawn by the seed, and holds one of ``every`` out.
    """
    order = np.random.default_rng(seed).permutation(len(own.labels))
    out = np.arange(len(order)) % every == every - 1
    stream, held_out = (Stream(own.features, own.labels, order[which]) for which in (~out, out))
    federation = replace(setup.federation, personal=personal)
    fleet = SimulatedFleet(
        replace(
            setup.inputs, federation=federation, streams=[stream], sent=[stream],
            own_data=True, held_out=[held_out],
        )
    )  # fmt: skip
    common, work = published(federation.server, state), personal_work(federation, state)
    score = None if work is None else fleet.personal_score(0, common, work)
    if work is None or score is None:
        raise ValueError("a device without personal rounds or samples of its own")
    return score, fleet.personal_model(0, common, work)


def personal_rows(
    setup: Setup, state: ServerState, mode: str, seed: int, early: Windows, later: Windows
) -> Iterator[Row]:
    """What personal rounds give one person, on each arm's windows that begin after the training's.

    The device trains on two of three of its windows. It goes back to the common model where that
    classifies more of the third rightly.
    """
    person, common = str(early.people[0]), published(setup.federation.server, state)

    def judged(model: Parameters, trained: str) -> Iterator[Row]:
        for arm in SIDES:
            there = later.at(later.sides == arm)
            found = setup.engine.classify(setup.network, model, there.features)
            right = int((found == there.labels).sum())
            yield Row(mode, seed, person, trained, arm, right, len(there.labels))

    yield from judged(common, "others")
    for trained in (*SIDES, "both"):
        own = early if trained == "both" else early.at(early.sides == trained)
        for name, layers in PERSONAL.items():
            personal = PersonalRounds(ROUNDS, layers, EXTRA_SHIFT)
            score, after = gone_on(setup, state, seed, own, personal, HELD_OUT_EVERY)
            for margin in MARGINS if (trained, name) == ("both", "all") else (0,):
                kept = after if score.after >= score.before + margin else common
                yield from judged(kept, f"{trained}, {name}" + (f", {margin} more" * (margin > 0)))


def first_and_later(own: Windows, window: int) -> tuple[Windows, Windows]:
    """A person's windows within the first readings of each recording, and those behind them."""
    early = own.begin + window <= FIRST_READINGS
    return own.at(early), own.at(own.begin >= FIRST_READINGS)


def trained_model(setup: Setup, experiment: Experiment) -> tuple[IntegerTraining, ServerState]:
    """A federation after its last round."""
    training = IntegerTraining(setup, experiment.front_end)
    state, _ = training.begin()
    for after, _ in training.rounds(state):
        state = after
    return training, state


def rows(seeds: Sequence[int]) -> Iterator[Row]:
    """Everything that is measured."""
    preset = load_experiment(preset="watches")
    dataset = load_data(preset)
    front_end = dataset.signal
    assert isinstance(front_end, MotionFrontEnd)
    windows = all_windows(front_end)
    for people in FOLDS:
        options = {**preset.data, "held_out_groups": list(people)}
        dataset = load_data(preset.model_copy(update={"data": options}))
        test = windows.at(np.isin(windows.people, people))
        # The same windows in the same order: what gives them their recordings is no other data.
        assert np.array_equal(test.features, dataset.test.features)
        for mode in MODES:
            for seed in seeds:
                changed = {"data": options, "mode": mode, "seed": seed, "evaluate_every": 1000}
                experiment = preset.model_copy(update=changed)
                setup = build(experiment, dataset=dataset)
                training, state = trained_model(setup, experiment)
                found = training.classify(state, test.features)
                yield from held_out_rows(mode, seed, test, found)
                for person in people if mode == "full-network" else ():
                    own = windows.at(windows.people == person)
                    early, later = first_and_later(own, front_end.window)
                    yield from personal_rows(setup, state, mode, seed, early, later)


def share(chosen: Sequence[Row]) -> float:
    """Rightly, of all that there are."""
    return sum(row.right for row in chosen) / sum(row.total for row in chosen)


def on_others(found: Sequence[Row]) -> Iterator[str]:
    """Accuracy on people whom nobody trained on: means over folds and seeds."""
    yield "| mode | of | mean | each two people | each seed |"
    yield "|---|---|---|---|---|"
    for mode in MODES:
        for judged in ("window", "recording"):
            ours = [row for row in found if (row.mode, row.trained) == (mode, "others")]
            ours = [row for row in ours if row.judged == judged]
            seeds = sorted({row.seed for row in ours})
            accuracy = np.array(
                [
                    [
                        share([r for r in ours if r.seed == seed and r.person in fold])
                        for seed in seeds
                    ]
                    for fold in FOLDS
                ]
            )
            by_fold, by_seed = (
                " ".join(f"{it:.3f}" for it in accuracy.mean(axis=axis)) for axis in (1, 0)
            )
            yield f"| {mode} | {judged}s | **{accuracy.mean():.3f}** | {by_fold} | {by_seed} |"


def by_person(found: Sequence[Row], pairs: Sequence[tuple[str, Sequence[str]]]) -> Floats:
    """Each person's share on the windows of some arms, behind what the device was trained on."""
    people = sorted({row.person for row in found}, key=int)
    return np.array(
        [
            share(
                [
                    row
                    for row in found
                    for trained, arms in pairs
                    if (row.person, row.trained) == (person, trained) and row.judged in arms
                ]
            )
            for person in people
        ]
    )


def gained(before: Floats, kept: Floats) -> str:
    """Means, the weakest person, and the most that anyone lost."""
    weakest, lost = before.argmin(), max(0.0, float((before - kept).max()))
    return (
        f"{before.mean():.3f} | **{kept.mean():.3f}** | "
        f"{before[weakest]:.3f} | {kept[weakest]:.3f} | {lost:.3f} |"
    )


GAINED = ("before", "after", "weakest", "after", "most lost")


def on_oneself(found: Sequence[Row]) -> Iterator[str]:
    """What personal rounds give: means over people, arms and seeds."""
    yield f"| {' | '.join(('trained on', 'layers', 'judged on', *GAINED))} |"
    yield "|---|---|---|---|---|---|---|---|"
    for seconds, name, pairs in (
        ("60 s of one arm", "the same arm", [(arm, (arm,)) for arm in SIDES]),
        ("60 s of one arm", "the other arm", [(a, (b,)) for a, b in (SIDES, SIDES[::-1])]),
        ("60 s of one arm", "both arms", [(arm, SIDES) for arm in SIDES]),
        ("120 s of both arms", "both arms", [("both", SIDES)]),
    ):
        before = by_person(found, [("others", arms) for _, arms in pairs])
        for layers in PERSONAL:
            kept = by_person(found, [(f"{trained}, {layers}", arms) for trained, arms in pairs])
            yield f"| {seconds} | {layers} | {name} | {gained(before, kept)}"


def on_margins(found: Sequence[Row]) -> Iterator[str]:
    """The same after both arms and in all layers, if more held-out windows have to be right."""
    yield f"| more that are right | {' | '.join(GAINED)} |"
    yield "|---|---|---|---|---|---|"
    before = by_person(found, [("others", SIDES)])
    for margin in MARGINS:
        name = "both, all" + f", {margin} more" * (margin > 0)
        yield f"| {margin} | {gained(before, by_person(found, [(name, SIDES)]))}"


def main() -> None:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="how many")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--out", type=Path, default=Path("docs/results/watches.csv"))
    chosen = parser.parse_args()
    found = list(rows(range(chosen.first_seed, chosen.first_seed + chosen.seeds)))
    with chosen.out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(field.name for field in fields(Row))
        writer.writerows(astuple(row) for row in found)
    print("\n".join([*on_others(found), "", *on_oneself(found), "", *on_margins(found)]))


if __name__ == "__main__":
    main()
