"""Finished runs on disk, so that a reproduction that was stopped goes on where it was."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from tifed.experiment.identity import identity
from tifed.experiment.setup import network_for
from tifed.files.atomic import write_atomically
from tifed.studies.outcome import Run
from tifed.studies.schedule import Schedule
from tifed.studies.setting import Setting
from tifed.studies.wide import NAME as WIDE

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
        """SHA-256 of all that decides what is kept: settings, constants, data, and who computes."""
        experiment = self.setting.experiment.model_copy(update={"seed": self.seed})
        return identity(
            experiment,
            network_for(experiment) if experiment.build_recipe().for_devices else None,
            data=self.dataset_digest,
            form=_FORMAT,
            method=self.setting.method,
            schedule=self.schedule,
            # No digest depends on it, but a run says who made it, and whoever asks for another
            # engine wants to see that.
            engine=WIDE if self.setting.wide else experiment.engine,
        )


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
