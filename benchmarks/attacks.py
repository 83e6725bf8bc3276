"""What poisoned updates do to a model, and what helps: docs/robust-aggregation.md.

`python benchmarks/attacks.py` prints a table per recipe and fleet: final accuracy in percent on
the test split, as the mean over some seeds. A site that lies about norms, and does not hold its
devices to a bound, is among the attackers.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from statistics import mean
from typing import Annotated, Any

import numpy as np
import typer

from tifed.data import Dataset
from tifed.experiment import Experiment, run
from tifed.experiment.setup import Setup, load_data
from tifed.federation import Plan, Update, device_update, planned_update
from tifed.fleets import SimulatedFleet
from tifed.rule.network import Network, Parameters

FLEETS = ((8, 1), (20, 4))
"""Devices, and how many of them attack."""

DEFENCES = ("none", "clip 1", "clip 2", "median", "trimmed", "clip 2 + median")


def robust(defence: str) -> dict[str, Any]:
    """``[robust]`` of an experiment with a defence, in the words of `DEFENCES`; any bound will do.

    >>> robust("clip 2.5 + trimmed")
    {'clip': 2.5, 'aggregate': 'trimmed', 'trim': 0.25}
    """
    table: dict[str, Any] = {}
    for word in defence.split(" + "):
        if word.startswith("clip "):
            table["clip"] = float(word.removeprefix("clip "))
        elif word != "none":
            table["aggregate"] = word
    return table | ({"trim": 0.25} if "trimmed" in defence else {})


Attack = Callable[[Network, Parameters, Parameters], Parameters]


def scaled(factor: int) -> Attack:
    """The difference times ``factor``, within what the parameters can be."""

    def attack(network: Network, sent: Parameters, trained: Parameters) -> Parameters:
        def moved(before: np.ndarray, after: np.ndarray, bound: int) -> np.ndarray:
            far = before + factor * (after.astype(np.int64) - before)
            within: np.ndarray = np.clip(far, -bound, bound).astype(after.dtype)
            return within

        layers = network.layers
        numbers = range(network.depth)
        return replace(
            trained,
            weights=tuple(
                moved(sent.weights[n], trained.weights[n], layers[n].weight_bound) for n in numbers
            ),
            biases=tuple(
                moved(sent.biases[n], trained.biases[n], layers[n].bias_bound) for n in numbers
            ),
        )

    return attack


def zeros(network: Network, sent: Parameters, trained: Parameters) -> Parameters:
    """No weight and no bias."""
    del network, sent
    return replace(
        trained,
        weights=tuple(map(np.zeros_like, trained.weights)),
        biases=tuple(map(np.zeros_like, trained.biases)),
    )


ATTACKS: Mapping[str, Attack] = {
    "honest": scaled(1),
    "times -10": scaled(-10),
    "times -1000": scaled(-1000),
    "sign flip": scaled(-1),
    "zeros": zeros,
    "labels flipped": scaled(1),
    "lying site, times -1000": scaled(-1000),
}


@dataclass(frozen=True)
class PoisonedFleet:
    """A simulated fleet, the last devices of which do not send what they have learnt.

    Attributes:
        honest: who does the work.
        attackers: how many attack.
        name: of `ATTACKS`.
    """

    honest: SimulatedFleet
    attackers: int
    name: str

    def __getattr__(self, name: str) -> Any:
        return getattr(self.honest, name)

    def fit(self, plan: Plan, parameters: Parameters) -> Iterator[Update]:
        """The updates of all devices."""
        inputs = self.honest.inputs
        good = plan.jobs.device < inputs.federation.devices - self.attackers
        yield from self.honest.fit(replace(plan, jobs=plan.jobs.at(good)), parameters)
        worker = self.honest
        if self.name == "labels flipped":
            streams = tuple(
                replace(stream, labels=inputs.network.classes - 1 - stream.labels)
                for stream in inputs.streams
            )
            worker = SimulatedFleet(replace(inputs, streams=streams))
        for job in plan.jobs.at(~good):
            trained, counted = worker.train(plan, job, parameters)
            sent = ATTACKS[self.name](inputs.network, parameters, trained)
            if self.name.startswith("lying") and plan.clip:
                update = device_update(job.device, sent, job.layers, job.samples, counted)
                yield replace(update, norms=np.zeros((1, inputs.network.depth), np.int64))
            else:
                yield planned_update(plan, job, parameters, sent, counted)


def accuracy(
    settings: Mapping[str, Any], data: Dataset, name: str, attackers: int, seeds: int
) -> float:
    """Mean of runs in which the last ``attackers`` devices do what ``name`` says, in percent."""

    def poisoned(setup: Setup) -> Any:
        assert isinstance(setup.fleet, SimulatedFleet)
        return PoisonedFleet(setup.fleet, 0 if name == "honest" else attackers, name)

    return mean(
        100 * run(Experiment(**settings, seed=seed), dataset=data, fleet=poisoned).accuracy
        for seed in range(1, seeds + 1)
    )


def main(
    rounds: Annotated[int, typer.Option(help="Rounds of each run.")] = 40,
    hidden: Annotated[int, typer.Option(help="Units of the hidden layer.")] = 64,
    recipe: Annotated[list[str] | None, typer.Option(help="Default both.")] = None,
    defence: Annotated[list[str], typer.Option(help="Columns.")] = list(DEFENCES),  # noqa: B006
    attack: Annotated[list[str], typer.Option(help="Rows.")] = list(ATTACKS),  # noqa: B006
    held_out: Annotated[str, typer.Option(help="test or validation.")] = "test",
    seeds: Annotated[int, typer.Option(help="Runs behind each number.")] = 3,
) -> None:
    """Print the tables."""
    for learner in recipe or ["paper", "tuned"]:
        for devices, attackers in FLEETS:
            settings: dict[str, Any] = {
                "dataset": "fashion-mnist", "layers": [784, hidden, 10], "rounds": rounds,
                "devices": devices, "recipe": learner, "buffer": 50, "evaluate_every": rounds,
                "held_out": held_out,
            }  # fmt: skip
            data = load_data(Experiment(**settings))
            print(f"\n{learner}, {attackers} of {devices} devices attack, {rounds} rounds\n")
            print("| | " + " | ".join(defence) + " |\n|---|" + "---|" * len(defence))
            for name in attack:
                row = [
                    accuracy(settings | {"robust": robust(one)}, data, name, attackers, seeds)
                    for one in defence
                ]
                print(f"| {name} | " + " | ".join(f"{x:.1f}" for x in row) + " |", flush=True)


if __name__ == "__main__":
    typer.run(main)
