"""One finished run, and what decides it."""

from functools import lru_cache
from pathlib import Path

import benchmarks.results.variants  # noqa: F401  # adds front ends, in every process
from pydantic import BaseModel, ConfigDict

import tifed
from tifed.data import Dataset
from tifed.experiment import Experiment, Progress
from tifed.experiment import identity as decided
from tifed.experiment.setup import load_data, network_for

TARGET = 0.85
"""Accuracy whose price in bytes is asked for."""


class Outcome(BaseModel):
    """What a run came to.

    Attributes:
        seed: of everything random.
        held_out: what accuracy was measured on.
        accuracy: of the final round.
        digest: of the final model; another machine's floats may give another.
        bytes_up: sent by a device in the whole run, mean over devices.
        bytes_down: sent to a device.
        rounds_to_target: the first round that reached `TARGET`; 0 if none did or none was measured.
        bytes_to_target: sent by a device up to then.
        seconds: spent on it.
        dataset_digest: of the samples.
        identity: SHA-256 of what decides the outcome.
        curve: accuracies that were measured on the way, in units of 1/10000, evenly spaced.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int
    held_out: str
    accuracy: float
    digest: str
    bytes_up: int
    bytes_down: int
    rounds_to_target: int
    bytes_to_target: int
    seconds: float
    dataset_digest: str
    identity: str
    curve: tuple[int, ...] = ()


def identity(experiment: Experiment, curve: bool) -> str:
    """SHA-256 of what decides the outcome; built-in data go by name, for they never change."""
    floats = experiment.baseline is not None
    if floats:  # a preset's recipe decides nothing then
        experiment = experiment.model_copy(update={"recipe": "tuned", "recipe_settings": {}})
    return decided.identity(
        experiment,
        None if floats else network_for(experiment),
        data=decided.data_settings(experiment),
        curve=curve,
        # What a raised version announces has changed neither floats nor the paper's rules.
        version=1 if floats or experiment.recipe == "paper" else decided.VERSION,
    )


@lru_cache(maxsize=8)
def _data(fields: str, data_dir: Path | None) -> Dataset:
    """The data of an experiment, of which only what chooses them is given."""
    return load_data(Experiment.model_validate_json(fields), data_dir)


def run_row(experiment: Experiment, curve: bool, data_dir: Path | None) -> Outcome:
    """Run ``experiment``, with a ``curve`` or without."""
    measured: list[tuple[int, float, int]] = []

    def watch(progress: Progress) -> None:
        if curve and progress.accuracy is not None:
            sent = progress.costs.bytes_up // progress.devices
            measured.append((progress.record.round + 1, progress.accuracy, sent))

    fields = experiment.model_dump_json(
        include={"dataset", "data", "held_out", "front_end", "pixel_shifts"}
    )
    result = tifed.run(experiment, watch=watch, dataset=_data(fields, data_dir))
    rounds, _, sent = next((one for one in measured if one[1] >= TARGET), (0, 0.0, 0))
    return Outcome(
        seed=experiment.seed,
        held_out=result.held_out,
        accuracy=result.accuracy,
        digest=result.digest,
        bytes_up=result.bytes_up_per_device,
        bytes_down=result.bytes_down_per_device,
        rounds_to_target=rounds,
        bytes_to_target=sent,
        seconds=result.seconds,
        dataset_digest=result.dataset_digest,
        identity=identity(experiment, curve),
        curve=tuple(round(10_000 * accuracy) for _, accuracy, _ in measured),
    )
