"""Small public time series, as they are and through the motion front end, in integers.

    pip install --no-deps aeon
    python benchmarks/time_series.py [--seeds 3]

The package aeon has the files in it; nothing of it is imported. Splits are the official ones.
Of series of more than 128 readings every k-th is taken. For the front end a standard deviation of
an axis over the training split is 4096 readings; raw values are quantised per feature. One network,
32 hidden units, one setting for all. Prints the table of docs/motion.md.
"""

import argparse
import statistics
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tifed import Experiment
from tifed.data import Dataset
from tifed.data.own_data import assemble
from tifed.data.readers.ts_file import read_ts
from tifed.data.readings import as_readings
from tifed.data.table import Table
from tifed.experiment.running import run
from tifed.native.motion import features
from tifed.rule.signal.motion import MotionFrontEnd

SETS = {
    "BasicMotions": "", "JapaneseVowels": "_eq", "GunPoint": "", "ItalyPowerDemand": "",
    "OSULeaf": "", "ArrowHead": "", "PickupGestureWiimoteZ": "_eq", "ACSF1": "",
}  # fmt: skip
"""Sets with classes, and what follows in the name where a file has series of one length."""
MOST_READINGS = 128
READINGS_OF_A_DEVIATION = 4096.0


def both_splits(name: str) -> tuple[Path, Table, Table]:
    """The training and the test series."""
    folder = Path(str(distribution("aeon").locate_file(f"aeon/datasets/data/{name}")))
    train, test = (folder / f"{name}{SETS[name]}_{part}.ts" for part in ("TRAIN", "TEST"))
    return train, read_ts(train, False)[0], read_ts(test, False)[0]


def shortened(table: Table) -> NDArray[np.float64]:
    """Series (N, axes, times) of at most `MOST_READINGS` times."""
    names = table.feature_names
    axes = len({name.partition("[")[0] for name in names}) if "[" in names[0] else 1
    series = table.features.reshape(len(table.labels), axes, -1).astype(np.float64)
    together = -(-series.shape[2] // MOST_READINGS)
    return series[..., ::together]


def raw(path: Path, train: Table, test: Table) -> Dataset:
    """The values themselves, one after another."""
    tables = [
        replace(part, features=shortened(part).reshape(len(part.labels), -1), feature_names=())
        for part in (train, test)
    ]
    return assemble(
        path, tables[0], tables[1], test_fraction=20, quantise="per-feature", classes=None
    )


def through_front_end(path: Path, train: Table, test: Table) -> Dataset:
    """Features of the whole series as one window."""
    series = [shortened(part).transpose(0, 2, 1) for part in (train, test)]
    _, times, axes = series[0].shape
    scale = READINGS_OF_A_DEVIATION / series[0].reshape(-1, axes).std(axis=0)
    front_end = MotionFrontEnd(axes, times)
    tables = []
    for part, values in zip((train, test), series, strict=True):
        flat = replace(part, features=values.reshape(-1, axes), feature_names=())
        readings, _ = as_readings(flat, scale.tolist(), None, path)
        made = features(front_end, readings.features.reshape(-1, times, axes))
        tables.append(replace(part, features=made, feature_names=front_end.feature_names))
    return assemble(path, tables[0], tables[1], test_fraction=20, quantise="none", classes=None)


def accuracies(path: Path, dataset: Dataset, seeds: int) -> Sequence[float]:
    """Of the final round on the test split, one for each seed."""
    experiment = Experiment(
        dataset=str(path), layers=(dataset.features, 32, dataset.classes), rounds=60,
        devices=8 if len(dataset.train) >= 200 else 4, evaluate_every=60,
    )  # fmt: skip
    return [
        run(experiment.model_copy(update={"seed": seed}), dataset=dataset).accuracy
        for seed in range(1, seeds + 1)
    ]


def main() -> None:
    """Run, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="how many, from 1 on")
    seeds = parser.parse_args().seeds
    print("| set | train / test | classes | raw values | accuracy | features | accuracy |")
    print("|---|---|---|---|---|---|---|")
    for name in SETS:
        path, train, test = both_splits(name)
        row = [name, f"{len(train.labels)} / {len(test.labels)}"]
        for made in (raw, through_front_end):
            dataset = made(path, train, test)
            found = accuracies(path, dataset, seeds)
            row += [str(dataset.classes)] if made is raw else []
            row += [str(dataset.features), f"{statistics.mean(found):.3f}"]
        print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
