"""What noise costs: accuracy against epsilon, with 100 and 1,000 simulated devices.

    python benchmarks/private.py [--seeds 3] [--out docs/results/private.csv]

Fashion-MNIST and the watches, each dealt to the devices at random; of the watches the windows of
eight people, which begin every ten readings, and two people are the test split. Settings were
chosen at epsilon 8 on validation data: a sixth of Fashion-MNIST's training samples, and people 7
and 8 of the watches in place of 9 and 10. Noise is that of `privacy.noise_seed`, so that the table
can be made again. Writes a line for each run and prints the table of docs/differential-privacy.md.
"""

import argparse
import csv
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from itertools import pairwise
from pathlib import Path
from statistics import mean
from typing import Any

from tifed import Experiment, run
from tifed.data import Dataset
from tifed.experiment.privacy_spent import epsilon_of
from tifed.experiment.setup import load_data
from tifed.federation.noise import Noise

FIRST_SEED = 501
DELTA = 1e-5
EPSILONS = (None, 8.0, 4.0, 2.0, 1.0)
"""None for a run without noise and without a bound."""

FASHION = {"dataset": "fashion-mnist"}
WATCHES = {
    "dataset": "watches", "front_end": "motion",
    "data": {"window": 128, "hop": 10, "held_out_groups": ["9", "10"]},
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One network on some devices.

    Attributes:
        name: of the data set.
        settings: that name the data.
        layers: of the network.
        devices: how many.
        buffer: samples of a device.
        rounds: how many, of one local epoch each.
        clip: bound on what a device changes.
        centre: in place of the calibration's.
        shifts: of updates, where no energy is known that they would be chosen by.
    """

    name: str
    settings: dict[str, Any]
    layers: tuple[int, ...]
    devices: int
    buffer: int
    rounds: int
    clip: int
    centre: int
    shifts: tuple[int, ...] | None = None

    def experiment(self, seed: int, multiplier: float | None) -> Experiment:
        """The experiment, with noise if there is a multiplier."""
        given: dict[str, Any] = {}
        if multiplier is not None:
            given["privacy"] = {
                "noise_multiplier": multiplier, "clip": self.clip, "delta": DELTA,
                "centre": self.centre, "noise_seed": seed,
            }  # fmt: skip
            if self.shifts is not None:
                given["recipe_settings"] = {"update_shifts": self.shifts}
        return Experiment(
            **self.settings, **given, layers=self.layers, devices=self.devices, seed=seed,
            buffer=self.buffer, rounds=self.rounds, local_epochs=1, evaluate_every=self.rounds,
        )  # fmt: skip

    def multiplier(self, epsilon: float) -> float:
        """The least noise, in hundredths of the bound, that keeps to ``epsilon``."""
        parameters = sum((fan_in + 1) * units for fan_in, units in pairwise(self.layers))
        low, high = 1, 100_000
        while low < high:
            tried = (low + high) // 2
            parameters = sum(
                (a + 1) * b for a, b in zip(self.layers, self.layers[1:], strict=False)
            )
            noise = Noise.of(self.clip, tried / 100)
            if epsilon_of(noise, parameters, self.rounds, DELTA) <= epsilon:
                high = tried
            else:
                low = tried + 1
        return low / 100


CASES = (
    Case("Fashion-MNIST", FASHION, (784, 10), 100, 600, 40, 250, -55),
    Case("Fashion-MNIST", FASHION, (784, 10), 1000, 60, 80, 500, -55),
    Case("Fashion-MNIST", FASHION, (784, 32, 10), 100, 600, 40, 500, -55),
    Case("Fashion-MNIST", FASHION, (784, 32, 10), 1000, 60, 80, 1000, -55),
    Case("watches", WATCHES, (117, 7), 100, 180, 40, 1000, 0, (3,)),
    Case("watches", WATCHES, (117, 7), 1000, 18, 40, 1000, 0, (3,)),
    Case("watches", WATCHES, (117, 32, 7), 100, 180, 40, 1000, 0, (5, 8)),
    Case("watches", WATCHES, (117, 32, 7), 1000, 18, 40, 1000, 0, (5, 8)),
)


@dataclass(frozen=True)
class Row:
    """One run.

    Attributes:
        data: the data set.
        network: its layers.
        devices: how many.
        rounds: how many.
        clip: bound on what a device changes; 0 for none.
        noise_multiplier: of the run; 0 for none.
        epsilon: what it gave away at a delta of 1e-5; empty for a run without noise.
        seed: of everything random, and of the noise.
        accuracy: of the published model of the final round on the test split.
        digest: of that model.
    """

    data: str
    network: str
    devices: int
    rounds: int
    clip: int
    noise_multiplier: float
    epsilon: str
    seed: int
    accuracy: float
    digest: str


def rows(seeds: Sequence[int]) -> Iterator[Row]:
    """Every run, of which those with the same data share them."""
    loaded: dict[str, Dataset] = {}
    for case in CASES:
        for epsilon in EPSILONS:
            multiplier = None if epsilon is None else case.multiplier(epsilon)
            for seed in seeds:
                experiment = case.experiment(seed, multiplier)
                if case.name not in loaded:
                    loaded[case.name] = load_data(experiment)
                result = run(experiment, dataset=loaded[case.name])
                spent = result.privacy
                yield Row(
                    case.name, "-".join(map(str, case.layers)), case.devices, case.rounds,
                    0 if spent is None else case.clip, multiplier or 0,
                    "" if spent is None else f"{spent.epsilon:.3f}",
                    seed, round(result.accuracy, 6), result.digest,
                )  # fmt: skip


def table(found: Sequence[Row]) -> Iterator[str]:
    """Means over seeds, with the least and the greatest."""
    heads = ["no noise" if epsilon is None else f"ε = {epsilon:g}" for epsilon in EPSILONS]
    yield f"| data | network | devices | rounds | clip | {' | '.join(heads)} |"
    yield "|---" * (5 + len(heads)) + "|"
    for case in CASES:
        network = "-".join(map(str, case.layers))
        ours = [
            r for r in found if (r.data, r.network, r.devices) == (case.name, network, case.devices)
        ]
        cells = []
        for noise in sorted({row.noise_multiplier for row in ours}):
            scores = [row.accuracy for row in ours if row.noise_multiplier == noise]
            cells.append(f"**{mean(scores):.3f}** ({min(scores):.3f} to {max(scores):.3f})")
        yield (
            f"| {case.name} | {network} | {case.devices:,} | {case.rounds} | {case.clip:,} | "
            f"{' | '.join(cells)} |"
        )


def main() -> None:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help=f"how many, from {FIRST_SEED} on")
    parser.add_argument("--out", type=Path, default=Path("docs/results/private.csv"))
    chosen = parser.parse_args()
    found: list[Row] = []
    with chosen.out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(field.name for field in fields(Row))
        for row in rows(range(FIRST_SEED, FIRST_SEED + chosen.seeds)):
            found.append(row)
            writer.writerow(astuple(row))
            file.flush()
    print("\n".join(table(found)))


if __name__ == "__main__":
    main()
