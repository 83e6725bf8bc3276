"""What each part of the recipe `tuned` gives, in every regime that it was chosen for.

Trains with the recipe, with the recipe changed in one part, and with the settings that the recipes
`tuned` and `tuned-absolute` had before, on validation samples carved from the training data; of a
speaker held out, and of wide data, on test samples. Prints a table with a line for each regime.

    python benchmarks/tuned_rule.py --data-dir FOLDER
    python benchmarks/tuned_rule.py spoken-digits digits --seeds 12
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import tifed
from tifed.experiment.setup import load_data
from tifed.rule.network import Network
from tifed.rule.recipes import Tuned
from tifed.rule.recipes.tuned import shifts

SINGLE = "mode=single-layer"
FEW = ("partition.limit_per_device=100", "buffer=20", "local_epochs=10")
SMALL = "layers=[784, 50, 10]"
SPEECH = (
    "recipe_settings.activation=absolute", "recipe_settings.server_momentum=8",
    "recipe_settings.halvings=1",
)  # fmt: skip
"""The recipe's own settings in full-network mode, where the preset has others."""
SPEECH_SINGLE = (SPEECH[0], SPEECH[1], "recipe_settings.halvings=0", SINGLE)
REGIMES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "784-200-10": ("fashion-mnist", ()),
    "784-200-10, single": ("fashion-mnist", (SINGLE,)),
    "784-32-10": ("fashion-mnist", ("layers=[784, 32, 10]",)),
    "784-32-10, single": ("fashion-mnist", ("layers=[784, 32, 10]", SINGLE)),
    "784-200-100-10": ("fashion-mnist", ("layers=[784, 200, 100, 10]",)),
    "784-200-100-10, single": ("fashion-mnist", ("layers=[784, 200, 100, 10]", SINGLE)),
    "MNIST": ("mnist", ()),
    "MNIST, single": ("mnist", (SINGLE,)),
    "edges": ("fashion-mnist-edges", ()),
    "edges, single": ("fashion-mnist-edges", (SINGLE,)),
    "octants": ("fashion-mnist-octants", ()),
    "octants, single": ("fashion-mnist-octants", (SINGLE,)),
    "edges-small": ("fashion-mnist-edges-small", ()),
    "edges-small, single": ("fashion-mnist-edges-small", (SINGLE,)),
    "two classes": ("fashion-mnist-two-classes", ()),
    "Dirichlet 0.1": ("fashion-mnist-dirichlet-0.1", ()),
    "10 of 100": ("fashion-mnist-sampled", ()),
    "100 images, 8 x 5": ("fashion-mnist", (SMALL, *FEW, "rounds=5")),
    "100 images, 64 x 5": ("fashion-mnist", (SMALL, *FEW, "rounds=5", "devices=64")),
    "100 images, 64 x 20": ("fashion-mnist", (SMALL, *FEW, "rounds=20", "devices=64")),
    "octants, 100, 8 x 5": ("fashion-mnist-octants", (*FEW, "rounds=5")),
    "octants, 100, 64 x 5": ("fashion-mnist-octants", (*FEW, "rounds=5", "devices=64")),
    "octants, 100, 64 x 20": ("fashion-mnist-octants", (*FEW, "rounds=20", "devices=64")),
    "digits": ("digits", ()),
    "digits, single": ("digits", (SINGLE,)),
    "spoken-digits": ("spoken-digits", SPEECH),
    "spoken-digits, single": ("spoken-digits", SPEECH_SINGLE),
    "new speaker": ("spoken-digits-new-speaker", SPEECH),
    "10,000 features": ("digits", ("layers=[10000, 32, 4]", "devices=4", "rounds=30")),
}
ON_TEST = ("new speaker", "10,000 features")
PARTS: Mapping[str, tuple[str, ...]] = {
    "the rule": (),
    "ReLU": ("activation=relu",),
    "no momentum": ("server_momentum=0", "halvings=0"),
    "whole mean": ("running_mean_growth=0",),
    "usual start": ("start_range=256", "start_bias=0"),
}


class FirstMore(Tuned):
    """Half the step in the first layer."""

    def energy_shift(self, network: Network, energy: int) -> int:
        """As `Tuned`, changed by one."""
        return super().energy_shift(network, energy) + 1


class FirstLess(Tuned):
    """Twice the step in the first layer."""

    def energy_shift(self, network: Network, energy: int) -> int:
        """As `Tuned`, changed by one."""
        return super().energy_shift(network, energy) - 1


class LastLess(Tuned):
    """Twice the step in the last layer."""

    def network(self, shape: tuple[int, ...], batch: int) -> Network:
        """As `Tuned`, with one less for the last layer."""
        network = super().network(shape, batch)
        *rest, last = network.layers
        less = replace(last, update_shift=last.update_shift - 1)
        return replace(network, layers=(*rest, less))


NEIGHBOURS = {"first half": FirstMore, "first twice": FirstLess, "last twice": LastLess}


def before(shape: Sequence[int], batch: int, activation: str) -> tuple[str, ...]:
    """The settings of ``tuned`` (``relu``) or ``tuned-absolute``, as they were."""
    depth = len(shape) - 1
    found = [shifts(fan_in, depth, batch, 16) for fan_in in shape[:-1]]
    updates = [total - rescale + (activation == "absolute") for rescale, total in found]
    return (
        f"activation={activation}", f"update_shifts={updates}", "start_range=256", "start_bias=0",
        "server_momentum=0", "halvings=0", "running_mean_growth=0",
    )  # fmt: skip


def wide_data(folder: Path) -> Path:
    """Four classes of 10,000 features that the nearest centroid tells apart without an error."""
    rng = np.random.default_rng(9)
    centres = rng.normal(size=(4, 10_000)) * 0.0707
    labels = rng.permutation(np.arange(400) % 4)
    features = (centres[labels] + rng.normal(size=(400, 10_000))).astype(np.float32)
    np.savez(folder / "wide.npz", features=features, labels=labels)
    return folder / "wide.npz"


def table(regime: str, columns: Sequence[str], seeds: int, data_dir: str | None, own: Path) -> None:
    """Print the regime's line."""
    preset, changes = REGIMES[regime]
    fixed = [*changes, "evaluate_every=1000000"]
    fixed += [] if regime in ON_TEST else ["held_out=validation"]
    fixed += [f"dataset={own}"] * (regime == "10,000 features")
    experiment = tifed.load_experiment(preset=preset, overrides=fixed)
    data = load_data(experiment, None if preset.startswith("fashion") else data_dir)
    shape = (data.features, *(experiment.layers or (0, 32, 0))[1:-1], data.classes)
    single, quarter = SINGLE in changes, "assignment=rotating-quarter"
    settings = {name: [f"recipe_settings.{pair}" for pair in PARTS[name]] for name in PARTS}
    settings |= {name: [f"recipe={name}"] for name in NEIGHBOURS}
    for name, activation, more in (
        ("tuned, before", "relu", ["assignment=rotating", "recipe_settings.server_rate=1"]),
        ("absolute, before", "absolute", [quarter]),
    ):
        pairs = before(shape, experiment.batch, activation)
        settings[name] = [f"recipe_settings.{pair}" for pair in pairs] + more * single
    momentum = ["recipe_settings.server_momentum=8", "recipe_settings.halvings=1"]
    settings["with momentum, before"] = settings["absolute, before"] + momentum
    found = []
    for column in columns:
        runs = [
            tifed.run(
                tifed.load_experiment(
                    preset=preset, overrides=[*fixed, *settings[column], f"seed={seed}"]
                ),
                dataset=data,
            ).accuracy
            for seed in range(100, 100 + seeds)
        ]
        found.append(f"{np.mean(runs):.4f} ± {np.std(runs, ddof=1):.4f}")
    print(f"| {regime} | " + " | ".join(found) + " |", flush=True)


def main() -> None:
    """Print the table."""
    columns = [*PARTS, *NEIGHBOURS, "tuned, before", "absolute, before", "with momentum, before"]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("regimes", nargs="*", metavar="REGIME", help=", ".join(REGIMES))
    parser.add_argument("--columns", nargs="+", choices=columns, default=columns)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--data-dir")
    options = parser.parse_args()
    for name, recipe in NEIGHBOURS.items():
        tifed.register_recipe(name, recipe)
    print("| | " + " | ".join(options.columns) + " |\n|---|" + "---:|" * len(options.columns))
    with TemporaryDirectory() as folder:
        own = wide_data(Path(folder))
        for regime in options.regimes or REGIMES:
            table(regime, options.columns, options.seeds, options.data_dir, own)


if __name__ == "__main__":
    main()
