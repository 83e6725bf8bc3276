"""Eight people's watches learn together, and then each goes on alone with its wearer's data.

    pip install '.[watches,emulator]'
    python examples/watches/wearers.py --out runs/watches

The readings of each person's recordings (package seglearn) are written into the flash of an
emulated Cortex-M4, in place of a sensor. The board puts them through the front end one after
another, and the samples that come out into its store. It trains on them, scores the common model on
every fifth, and goes on alone for some rounds. Prints each person's scores, and compares the model
with the simulator's. docs/tutorials/watches.md explains it step by step.
"""

import argparse
from pathlib import Path

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from tifed import Result, RunError, load_experiment, run
from tifed.data import Dataset
from tifed.experiment.result import Details
from tifed.experiment.setup import load_data

SETTINGS = Path(__file__).with_name("watches.toml")
BOARDS = ("fleet=emulated", "board=cortex-m4")


def wearers(dataset: Dataset) -> tuple[str, ...]:
    """Whose board is device 0, 1, ...: the people who train, in the order of the partition."""
    if dataset.train.groups is None:
        raise RunError("the recordings do not say whose they are")
    return tuple(dataset.group_names[group] for group in np.unique(dataset.train.groups))


def table(people: tuple[str, ...], details: Details) -> Table:
    """A person's board per line: its samples, and the share of held-out ones that are right."""
    shown = Table(title="accuracy on held-out windows", header_style="bold", box=SIMPLE_HEAD)
    for column in ("person", "trained on", "held out", "common model", "own model"):
        shown.add_column(column, justify="right")
    for device in details.own_devices:
        shown.add_row(
            people[device.device],
            *("-" if count is None else str(count) for count in (device.training, device.held_out)),
            *("-" if share is None else f"{share:.3f}" for share in (device.accuracy, device.kept)),
        )
    return shown


def main() -> None:
    """Run it on emulated boards and in the simulator."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    arguments.add_argument("--out", type=Path, default=Path("runs/watches"))
    out = arguments.parse_args().out
    dataset = load_data(load_experiment(SETTINGS))
    results: list[Result] = []
    for name, settings in (("emulated", BOARDS), ("simulated", ())):
        experiment = load_experiment(SETTINGS, overrides=settings)
        results.append(run(experiment, out=out / name, dataset=dataset))
    emulated, simulated = results
    details = Details.model_validate_json((out / "emulated" / "details.json").read_bytes())
    console = Console(highlight=False)
    console.print(table(wearers(dataset), details))
    console.print(f"two people without a watch {emulated.test_accuracy:.3f}")
    for name, result in (("emulated ", emulated), ("simulated", simulated)):
        console.print(f"{name} {result.digest}", soft_wrap=True)
    if emulated.digest != simulated.digest:
        raise RunError("the emulated boards have another model than the simulator")


if __name__ == "__main__":
    main()
