"""How accurate networks are in the final round, mean and standard deviation over seeds 1 to 10.

    python benchmarks/front_end_accuracy.py [PRESET …] [--data-dir DIR] [--held-out validation]
                                            [--seeds 10] [--set KEY=VALUE …]
    python benchmarks/front_end_accuracy.py --networks

PRESET is one of the presets with a front end, by default, or any other. With --networks it is
instead the four networks of docs/front-ends.md, from 159,010 parameters down to 10,488, in
full-network and in single-layer mode. The test split is for reporting; settings are compared with
--held-out validation, and --set, several times.
"""

import argparse
import statistics
from collections.abc import Sequence

from tifed import load_experiment, preset_names, run
from tifed.experiment.setup import load_data

NETWORKS = (
    ("fashion-mnist-octants-second-order", "layers=[784, 200, 10]", "[7, 8]"),
    ("fashion-mnist-octants", "layers=[392, 200, 10]", "[6, 8]"),
    ("fashion-mnist-octants", "layers=[392, 50, 10]", "[6, 8]"),
    ("fashion-mnist-octants", "layers=[392, 26, 10]", "[6, 8]"),
)
"""A preset, the network in its place, and its update shifts in single-layer mode."""


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("presets", nargs="*", help="default: those with a front end")
    parser.add_argument("--networks", action="store_true", help="four networks, in both modes")
    parser.add_argument("--data-dir", help="folder of data sets")
    parser.add_argument("--held-out", choices=("test", "validation"), default="test")
    parser.add_argument("--seeds", type=int, default=10, help="how many, from 1 on")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    chosen = parser.parse_args()
    if chosen.networks and chosen.presets:
        parser.error("--networks chooses the presets itself: give one of the two")
    own = [name for name in preset_names() if load_experiment(preset=name).front_end is not None]
    rows: list[tuple[str, tuple[str, ...]]] = [(name, ()) for name in chosen.presets or own]
    if chosen.networks:
        rows = []
        for name, layers, shifts in NETWORKS:
            rows += [(name, (layers,)), (name, (layers, *single_layer(shifts)))]
    for preset, settings in rows:
        overrides = [*settings, *chosen.set, f"held_out={chosen.held_out}"]
        print(row(preset, overrides, chosen.data_dir, chosen.seeds), flush=True)


def single_layer(update_shifts: str) -> tuple[str, ...]:
    """Settings of single-layer mode: momentum has no effect there, halved steps are too small."""
    return (
        "mode=single-layer",
        "recipe_settings.server_momentum=0",
        "recipe_settings.halvings=0",
        f"recipe_settings.update_shifts={update_shifts}",
    )


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
