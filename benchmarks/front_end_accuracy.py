"""How accurate networks are in the final round, mean and standard deviation over seeds 1 to 10.

    python benchmarks/front_end_accuracy.py [PRESET …] [--data-dir DIR] [--held-out validation]
                                            [--seeds 10] [--set KEY=VALUE …]

PRESET is one of the presets with a front end, by default, or any other. The test split is for
reporting; settings are compared with --held-out validation, and --set, several times. What
docs/results.md reports is run by `python -m benchmarks.results`.
"""

import argparse
import statistics
from collections.abc import Sequence

from tifed import load_experiment, preset_names, run
from tifed.experiment.setup import load_data


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("presets", nargs="*", help="default: those with a front end")
    parser.add_argument("--data-dir", help="folder of data sets")
    parser.add_argument("--held-out", choices=("test", "validation"), default="test")
    parser.add_argument("--seeds", type=int, default=10, help="how many, from 1 on")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    chosen = parser.parse_args()
    own = [name for name in preset_names() if load_experiment(preset=name).front_end is not None]
    for preset in chosen.presets or own:
        overrides = [*chosen.set, f"held_out={chosen.held_out}"]
        print(row(preset, overrides, chosen.data_dir, chosen.seeds), flush=True)


def row(preset: str, overrides: Sequence[str], data_dir: str | None, seeds: int) -> str:
    """One experiment with every seed, as a line."""
    experiment = load_experiment(preset=preset, overrides=[*overrides, "evaluate_every=1000000"])
    dataset = load_data(experiment, data_dir)
    results = [
        run(experiment.model_copy(update={"seed": seed}), dataset=dataset)
        for seed in range(1, seeds + 1)
    ]
    accuracies = [result.accuracy for result in results]
    spread = statistics.stdev(accuracies) if len(accuracies) > 1 else 0.0
    return (
        f"{preset} {'-'.join(map(str, results[0].layers))} {experiment.mode}, "
        f"{experiment.held_out}: {statistics.mean(accuracies):.4f} ± {spread:.4f} "
        f"({min(accuracies):.4f} to {max(accuracies):.4f}), "
        f"{results[0].bytes_up_per_device / 1e6:.1f} MB up a device"
    )


if __name__ == "__main__":
    main()
