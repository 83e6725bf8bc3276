"""Finished runs on disk, so that a reproduction that was stopped goes on where it was."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

import tifed
from tifed.atomic import write_atomically
from tifed.experiment import Experiment, to_toml
from tifed.experiment.build import network_for
from tifed.reproduce.play import Run
from tifed.reproduce.schedule import Schedule
from tifed.reproduce.study import Setting

_FORMAT = 1


@dataclass(frozen=True)
class Task:
    """A run to be made.

    Attributes:
        setting: what is run.
        schedule: how.
        seed: with which seed.
        dataset_digest: SHA-256 of the samples it will see.
    """

    setting: Setting
    schedule: Schedule
    seed: int
    dataset_digest: str

    @property
    def key(self) -> tuple[str, int]:
        """What tells it from the others of its reproduction."""
        return self.setting.name, self.seed

    @property
    def identity(self) -> str:
        """SHA-256 of all that decides the outcome: settings, constants, data and version."""
        experiment = self.setting.experiment.model_copy(update={"seed": self.seed})
        return hashlib.sha256(
            json.dumps(
                {
                    "format": _FORMAT,
                    "version": tifed.__version__,
                    "method": self.setting.method,
                    "schedule": self.schedule,
                    "wide": self.setting.wide,
                    "experiment": to_toml(experiment),
                    "constants": constants(experiment),
                    "data": self.dataset_digest,
                },
                sort_keys=True,
            ).encode()
        ).hexdigest()


def constants(experiment: Experiment) -> list[str]:
    """What the recipe makes of the settings, for its rules can change between two runs."""
    recipe = experiment.build_recipe()
    if not recipe.for_devices:
        return [repr(recipe)]
    network = network_for(experiment)
    shifts = [recipe.extra_shift(number, experiment.rounds) for number in range(experiment.rounds)]
    server = recipe.server(experiment.mode, network.depth)
    constants = (
        network, server, recipe.start(network), shifts, recipe.calibration_samples,
        recipe.assignment,
    )  # fmt: skip
    # Wide networks alone start with biases: those of others keep the identity that they had.
    biases = recipe.start_biases(network)
    return [repr(constant) for constant in (*constants, *([biases] if any(biases) else []))]


@dataclass(frozen=True)
class KeptRuns:
    """One small JSON file per finished run, named by its identity.

    Attributes:
        folder: where.
    """

    folder: Path

    def find(self, task: Task) -> Run | None:
        """The run that ``task`` would make; None if it is not there or its file is damaged."""
        try:
            run = Run.model_validate_json(self._path(task).read_text(encoding="utf-8"))
        except (FileNotFoundError, UnicodeDecodeError, ValidationError):
            return None
        # The file's name is its key; a file that was copied over another is not believed.
        same = (run.seed, run.schedule, run.dataset_digest) == (
            task.seed, task.schedule, task.dataset_digest,
        )  # fmt: skip
        return run if same else None

    def keep(self, task: Task, run: Run) -> None:
        """Write ``run``, whole or not at all."""
        write_atomically(self._path(task), run.model_dump_json(indent=1) + "\n")

    def _path(self, task: Task) -> Path:
        return self.folder / f"{task.identity}.json"
