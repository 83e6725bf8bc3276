"""Accuracy against bytes: what short updates cost and save, for docs/compression.md.

    python benchmarks/compression.py [--network 784-200-10] [--mode full-network] [--regime iid]
        [--way "whole" --way "both ternary"] [--seeds 101-110] [--held-out test] [--data-dir DIR]

prints a row for each way of sending: mean and spread of the final accuracy over the seeds, and
what a device sends and gets in the whole run, in kB, and up and down in bytes a parameter of the
network and round. Where devices are sampled, that is the mean over all devices.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from statistics import mean, stdev
from typing import Annotated, Any

import typer

from tifed import Result, load_experiment, run
from tifed.data import Dataset
from tifed.experiment import Experiment
from tifed.experiment.setup import load_data

NETWORKS = {
    "784-200-10": "fashion-mnist-octants-second-order",
    "392-50-10": "fashion-mnist-octants",
    "196-50-10": "fashion-mnist-edges-small",
    "784-200-10 on pixels": "fashion-mnist",
    "digits": "digits",
}
"""Presets; through which front end pictures go says the preset."""

REGIMES: Mapping[str, Mapping[str, Any]] = {
    "iid": {},
    "dirichlet": {"partition": {"kind": "dirichlet", "alpha": 0.1}},
    "sampled": {"devices": 100, "devices_per_round": 10},
}

TERNARY = {"upload": "ternary", "download": "ternary", "coder": True}
WAYS: Mapping[str, Mapping[str, Any]] = {
    "whole": {},
    "up ternary": {"upload": "ternary", "coder": True},
    "up ternary, down 4-bit": TERNARY | {"download": "4-bit"},
    "both ternary": TERNARY,
    "both ternary, rows 2": TERNARY | {"rows": 2},
    "both ternary, rows 4": TERNARY | {"rows": 4},
    "up ternary, residual": {"upload": "ternary", "coder": True, "residual": True},
    "up 4-bit, residual": {"upload": "4-bit", "coder": True, "residual": True},
    "both ternary, residual": TERNARY | {"residual": True},
}


def numbers(text: str) -> range:
    """Seeds such as 101-110."""
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def row(way: str, results: list[Result], experiment: Experiment) -> str:
    """One way of sending, over all seeds."""
    layers = experiment.layers or ()
    parameters = sum(a * b + b for a, b in pairwise(layers))
    up = mean(one.bytes_up_per_device for one in results)
    down = mean(one.bytes_down_per_device for one in results)
    accuracies = [one.accuracy for one in results]
    spread = stdev(accuracies) if len(accuracies) > 1 else 0.0
    rounds = experiment.rounds * (experiment.devices_per_round or experiment.devices)
    each = parameters * rounds / experiment.devices
    return (
        f"| {way} | {mean(accuracies):.4f} | {spread:.4f} | {up / 1000:,.0f} | {down / 1000:,.0f} "
        f"| {up / each:.3f} | {down / each:.3f} |"
    )


def table(experiment: Experiment, ways: list[str], seeds: range, data: Dataset) -> Iterator[str]:
    """The rows for an experiment, as they come."""
    for way in ways:
        compressed = experiment.model_dump() | {"compression": dict(WAYS[way])}
        results = [
            run(Experiment.model_validate(compressed | {"seed": seed}), dataset=data)
            for seed in seeds
        ]
        yield row(way, results, experiment)


def main(
    network: Annotated[list[str] | None, typer.Option(help=", ".join(NETWORKS))] = None,
    mode: Annotated[list[str] | None, typer.Option()] = None,
    regime: Annotated[list[str] | None, typer.Option(help=", ".join(REGIMES))] = None,
    way: Annotated[list[str] | None, typer.Option(help=", ".join(WAYS))] = None,
    seeds: Annotated[str, typer.Option()] = "101-110",
    held_out: Annotated[str, typer.Option()] = "test",
    data_dir: Annotated[str | None, typer.Option(help="folder of data sets")] = None,
) -> None:
    """Print a table for each network, mode and regime."""
    for name in network or ["784-200-10"]:
        for how in mode or ["full-network", "single-layer"]:
            for data in regime or ["iid"]:
                settings = load_experiment(preset=NETWORKS[name]).model_dump()
                settings |= {"mode": how, "held_out": held_out, **REGIMES[data]}
                experiment = Experiment.model_validate(settings)
                print(f"\n{name}, {how}, {data}, seeds {seeds}, {held_out}\n")
                print("| sent | accuracy | spread | kB up | kB down | up, B | down, B |")
                print("|---|---|---|---|---|---|---|")
                loaded = load_data(experiment, data_dir)
                for line in table(experiment, way or list(WAYS), numbers(seeds), loaded):
                    print(line, flush=True)


if __name__ == "__main__":
    typer.run(main)
