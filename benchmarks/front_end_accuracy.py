"""How accurate presets are in the final round, mean and standard deviation over seeds 1 to 10.

    python benchmarks/front_end_accuracy.py [PRESET …] [--data-dir DIR] [--held-out validation]
                                            [--seeds 10] [--set KEY=VALUE …]

PRESET is one of the presets with a front end, by default, or any other. The test split is for
reporting; settings are compared with --held-out validation, and --set, several times.
"""

import argparse
import statistics

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
        overrides = [*chosen.set, f"held_out={chosen.held_out}", "evaluate_every=1000000"]
        experiment = load_experiment(preset=preset, overrides=overrides)
        dataset = load_data(experiment, chosen.data_dir)
        results = [
            run(experiment.model_copy(update={"seed": seed}), dataset=dataset)
            for seed in range(1, chosen.seeds + 1)
        ]
        accuracies = [result.accuracy for result in results]
        spread = statistics.stdev(accuracies) if len(accuracies) > 1 else 0.0
        shape = "-".join(map(str, results[0].layers))
        print(
            f"{preset} {shape} {experiment.mode}, {chosen.held_out}: "
            f"{statistics.mean(accuracies):.4f} ± {spread:.4f} ({min(accuracies):.4f} to "
            f"{max(accuracies):.4f}), {results[0].bytes_up_per_device / 1e6:.1f} MB up a device",
            flush=True,
        )


if __name__ == "__main__":
    main()
