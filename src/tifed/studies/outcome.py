"""What a trial of a study came to, how it is run, and the folder of outcomes."""

from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from tifed.experiment import Progress, Setup, build
from tifed.experiment.identity import identity
from tifed.experiment.running import run_setup
from tifed.experiment.setup import network_for
from tifed.files.atomic import write_atomically
from tifed.fleets import SimulatedFleet
from tifed.fleets.published_schedule import PublishedFleet
from tifed.studies.setting import FLOAT, Schedule, Setting
from tifed.studies.wide import NAME as WIDE
from tifed.studies.wide import Wide

_FORMAT = 1


class Outcome(BaseModel):
    """What a setting came to with one seed.

    Attributes:
        setting: its name.
        schedule: federated or published.
        what: the schedule in words.
        seed: of everything random.
        correct: held-out samples classified rightly after each round.
        held_out_samples: of how many.
        digest: SHA-256 of the final round's model; None for floats, which do not repeat.
        clipped: parameters and deltas that reached their bound.
        seconds: spent on the run, evaluation of every round included.
        engine: who computed the learning rule.
        dataset_digest: SHA-256 of the samples.
        identity: of what decides all this (`identity_of`); None in files of the first releases.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    setting: str
    schedule: Schedule
    what: str
    seed: int
    correct: tuple[int, ...]
    held_out_samples: int
    digest: str | None
    clipped: int
    seconds: float
    engine: str
    dataset_digest: str
    identity: str | None = None

    @property
    def accuracies(self) -> tuple[float, ...]:
        """Accuracy after each round, fractions."""
        return tuple(count / self.held_out_samples for count in self.correct)

    @property
    def accuracy(self) -> float:
        """Accuracy after the last round: the result."""
        return self.accuracies[-1]

    @property
    def best(self) -> float:
        """The best round's, found by looking at the test split: for comparison only."""
        return max(self.accuracies)


def identity_of(setting: Setting, schedule: Schedule, seed: int, dataset_digest: str) -> str:
    """SHA-256 of all that decides an outcome: settings, constants, data, and who computes."""
    experiment = setting.experiment.model_copy(update={"seed": seed})
    return identity(
        experiment,
        network_for(experiment) if experiment.baseline is None else None,
        data=dataset_digest,
        form=_FORMAT,
        method=setting.method,
        schedule=schedule,
        # No digest depends on it, but an outcome says who made it, and whoever asks for another
        # engine wants to see that.
        engine=WIDE if setting.wide else experiment.engine,
    )


def run_setting(
    setting: Setting, schedule: Schedule, seed: int, data_dir: Path | None = None
) -> Outcome:
    """Run ``setting`` with ``seed`` for everything.

    Raises:
        UsageError: if the data are not there or do not fit.
        RunError: if the float baseline diverges.
    """
    experiment = setting.experiment.model_copy(update={"seed": seed, "evaluate_every": 1})
    setup = build(experiment, data_dir)
    if setting.wide:
        setup = replace(setup, inputs=replace(setup.inputs, engine=Wide()))
    if schedule is Schedule.PUBLISHED:
        setup = replace(setup, fleet=_accident(setup))
    seen: list[Progress] = []
    result = run_setup(experiment, setup, watch=seen.append)
    samples = result.held_out_samples
    return Outcome(
        setting=setting.name,
        schedule=schedule,
        what=schedule.label,
        seed=seed,
        correct=tuple(round(one.accuracy * samples) for one in seen if one.accuracy is not None),
        held_out_samples=samples,
        digest=None if setting.method == FLOAT else result.digest,
        clipped=sum(one.row.clipped_parameters + one.row.clipped_deltas for one in seen),
        seconds=result.seconds,
        engine=WIDE if setting.wide else result.engine,
        dataset_digest=result.dataset_digest,
        identity=identity_of(setting, schedule, seed, result.dataset_digest),
    )


def _accident(setup: Setup) -> PublishedFleet:
    """The same devices with one weight array between them."""
    return PublishedFleet(SimulatedFleet(setup.inputs))


@dataclass(frozen=True)
class OutcomeFolder:
    """A cache: one small JSON file per outcome, named by its identity.

    Attributes:
        path: of the folder.
    """

    path: Path

    def get(self, identity: str, /) -> Outcome | None:
        """An outcome; None if it is not there or its file is damaged."""
        try:
            text = self._file(identity).read_text(encoding="utf-8")
            outcome = Outcome.model_validate_json(text)
        except (FileNotFoundError, UnicodeDecodeError, ValidationError):
            return None
        # A file that was copied over another is not believed.
        return outcome if outcome.identity in (None, identity) else None

    def __setitem__(self, identity: str, outcome: Outcome, /) -> None:
        """Write ``outcome``, all of it or nothing."""
        write_atomically(self._file(identity), outcome.model_dump_json(indent=1) + "\n")

    def _file(self, identity: str) -> Path:
        return self.path / f"{identity}.json"
