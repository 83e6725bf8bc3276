"""What bounds on updates cost runs in which nobody attacks: docs/robust-aggregation.md.

`python benchmarks/honest.py` prints, for each experiment, the accuracy without a bound, and with
`robust.clip` how much is gained or lost: means over seeds, with their standard errors, in points.
"""

import statistics
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from tifed.experiment import load_experiment, run

CLIPS = (1, 2)

FEATURES = ("fashion-mnist-edges-small", "layers=[196,50,10]", "rounds=60")
CASES: Mapping[str, tuple[tuple[str, ...], int]] = {
    "digits, tuned": (("digits",), 20),
    "digits, tuned, single-layer": (("digits", "mode=single-layer"), 20),
    "digits, paper": (("digits-paper",), 20),
    "digits, paper, single-layer": (("digits-paper", "mode=single-layer"), 20),
    "196-50-10 on features of Fashion-MNIST": (FEATURES, 5),
    "the same, two classes a device": (
        (*FEATURES, "partition.kind=shards", "partition.classes_per_device=2"),
        5,
    ),
}
"""A preset with settings, and how many seeds."""


def accuracy(settings: tuple[str, ...], seed: int, clip: float) -> float:
    """Of one run, in percent."""
    preset, *chosen = settings
    chosen += [f"seed={seed}", f"robust.clip={clip}"]
    experiment = load_experiment(preset=preset, overrides=chosen)
    return 100 * run(experiment.model_copy(update={"evaluate_every": experiment.rounds})).accuracy


def main(
    first: Annotated[int, typer.Option(help="The first seed.")] = 501,
    held_out: Annotated[str, typer.Option(help="test or validation.")] = "test",
) -> None:
    """Print the table."""
    print("| | no bound | " + " | ".join(f"clip {clip}" for clip in CLIPS) + " |")
    print("|---|---|" + "---|" * len(CLIPS))
    for name, (settings, count) in CASES.items():
        given = (*settings, f"held_out={held_out}")
        free: list[float] = []
        changes: dict[int, list[float]] = {clip: [] for clip in CLIPS}
        for seed in range(first, first + count):
            free.append(accuracy(given, seed, 0))
            for clip, change in changes.items():
                change.append(accuracy(given, seed, clip) - free[-1])
        row: list[Any] = [f"{statistics.mean(free):.2f}"]
        for change in changes.values():
            error = statistics.stdev(change) / count**0.5
            row.append(f"{statistics.mean(change):+.2f} ± {error:.2f}")
        print(f"| {name} | " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    typer.run(main)
