"""Does the rule that derives the tuned recipe's constants reach what hand-set values reach?

Trains each network with the rule, with the values that were found by hand for 784-200-10 on
Fashion-MNIST, and with every neighbour of the rule (shifts of all layers or of the last one, start
range), on a validation split carved from the training data. Prints a table, best first.

    python benchmarks/tuned_rule.py digits --seeds 5
    python benchmarks/tuned_rule.py fashion-mnist --seeds 3
"""

import argparse
from collections.abc import Iterator
from functools import partial

import numpy as np

import tifed
from tifed.rule.recipes import Tuned
from tifed.studies import Trial, sweep


def settings(shape: tuple[int, ...], batch: int) -> Iterator[tuple[str, dict[str, object]]]:
    """The rule, the values set by hand, and the rule's neighbours."""
    network = Tuned().network(shape, batch)
    updates = [layer.update_shift for layer in network.layers]
    start = Tuned().start(network)[0]
    yield "the rule", {}
    yield (
        "set by hand",
        {
            "rescale_shifts": [14] * network.depth,
            "update_shifts": [9] * (network.depth - 1) + [7],
            "start_range": 300,
        },
    )
    for step in (-1, 1):
        yield f"every update shift {step:+}", {"update_shifts": [u + step for u in updates]}
        last = [*updates[:-1], updates[-1] + step]
        yield f"last update shift {step:+}", {"update_shifts": last}
    yield "start halved", {"start_range": start // 2}
    yield "start doubled", {"start_range": start * 2}


def accuracy(preset: str, seed: int, changes: dict[str, object]) -> float:
    """Accuracy of one run on validation data, final round."""
    pairs = [f"recipe_settings.{key}={value}" for key, value in changes.items()]
    fixed = [f"seed={seed}", "held_out=validation", "evaluate_every=1000000"]
    return tifed.run(tifed.load_experiment(preset=preset, overrides=fixed + pairs)).accuracy


def main() -> None:
    """Print the table of one preset."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("preset", choices=[n for n in tifed.preset_names() if "paper" not in n])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    experiment = tifed.load_experiment(preset=options.preset)
    if experiment.layers is None:
        parser.error("the preset names no layers")
    tried = list(settings(experiment.layers, experiment.batch))
    seeds = range(100, 100 + options.seeds)
    trials = [
        Trial(name, f"{name} {seed}", partial(accuracy, options.preset, seed, changes))
        for name, changes in tried
        for seed in seeds
    ]
    scores = sweep(trials, {}, jobs=options.jobs)
    table = np.array(scores).reshape(len(tried), len(seeds))
    for row in np.argsort(-table.mean(axis=1), kind="stable"):
        mean, spread = table[row].mean(), table[row].std(ddof=1)
        print(f"{tried[row][0]:24} {mean:.4f} ± {spread:.4f}  ({len(seeds)} seeds)")


if __name__ == "__main__":
    main()
