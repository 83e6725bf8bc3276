"""What bounds on updates cost runs in which nobody attacks: docs/robust-aggregation.md.

`python benchmarks/honest.py` prints, for each experiment, the accuracy without a bound, and with
`robust.clip` how much is gained or lost: means over seeds, with their standard errors, in points,
and in how many of the runs the bound changed anything, so that the digest is another one.
"""

import statistics
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from tifed.experiment import load_experiment, run

CLIPS = (1.0, 2.0)

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


def outcome(settings: tuple[str, ...], seed: int, clip: float) -> tuple[float, str]:
    """Accuracy of one run, in percent, and its digest."""
    preset, *chosen = settings
    chosen += [f"seed={seed}", f"robust.clip={clip}"]
    experiment = load_experiment(preset=preset, overrides=chosen)
    result = run(experiment.model_copy(update={"evaluate_every": experiment.rounds}))
    return 100 * result.accuracy, result.digest


def main(
    first: Annotated[int, typer.Option(help="The first seed.")] = 501,
    held_out: Annotated[str, typer.Option(help="test or validation.")] = "test",
    clip: Annotated[list[float], typer.Option(help="Bounds.")] = list(CLIPS),  # noqa: B006
) -> None:
    """Print the table."""
    print("| | no bound | " + " | ".join(f"clip {bound:g}" for bound in clip) + " |")
    print("|---|---|" + "---|" * len(clip))
    for name, (settings, count) in CASES.items():
        given = (*settings, f"held_out={held_out}")
        seeds = range(first, first + count)
        free = [outcome(given, seed, 0) for seed in seeds]
        row: list[Any] = [f"{statistics.mean(points for points, _ in free):.2f}"]
        for bound in clip:
            bounded = [outcome(given, seed, bound) for seed in seeds]
            pairs = list(zip(bounded, free, strict=True))
            change = [after - before for (after, _), (before, _) in pairs]
            moved = sum(after != before for (_, after), (_, before) in pairs)
            error = statistics.stdev(change) / count**0.5
            row.append(f"{statistics.mean(change):+.2f} ± {error:.2f} ({moved}/{count})")
        print(f"| {name} | " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    typer.run(main)
