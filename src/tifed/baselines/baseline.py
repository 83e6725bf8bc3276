"""What a baseline decides: all that a recipe does, in arithmetic that no device is asked for."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from tifed.federation import Federation
from tifed.federation.device import Stream
from tifed.federation.training import Training
from tifed.fleets import Fails
from tifed.registry import Registry, subclass_of
from tifed.rule.recipes import AssignmentKind, Mode


class Baseline(BaseModel, ABC):
    """Settings of a way to learn that integers are compared with, and the training by it.

    Frozen; unknown fields are refused.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    arithmetic: ClassVar[str]
    """What a result calls it where it else names the engine: "float32"."""

    @abstractmethod
    def training(
        self, mode: Mode, federation: Federation, streams: Sequence[Stream], fails: Fails
    ) -> Training[Any]:
        """The training, in the same federation as the integers'.

        Args:
            mode: which layers a device trains.
            federation: the run's constants: whom to ask for what, when. Of its network the shape
                matters alone.
            streams: per device its samples.
            fails: which devices fail when.
        """

    def constants(self, mode: Mode) -> Mapping[str, Any]:
        """What follows from the settings and ``mode`` and decides the outcome, by name."""
        del mode
        return {}

    def extra_shift(self, number: int, rounds: int, mode: Mode) -> int:
        """How often steps are halved in round ``number`` (from 0) of ``rounds``."""
        del number, rounds, mode
        return 0

    @property
    def assignment(self) -> AssignmentKind:
        """Which device trains which layer in single-layer mode, if the experiment does not say."""
        return "rotating"

    @property
    def calibration_samples(self) -> int:
        """Samples per device that the calibration round looks at; 0 where there is none."""
        return 0


BASELINES: Registry[type[Baseline]] = Registry(
    "baseline",
    "tifed.baselines",
    {"float-fedavg": "tifed.baselines.float_fedavg:FloatFedAvg"},
    subclass_of(Baseline),
    "a subclass of tifed.baselines.Baseline",
)
"""Every baseline by the name that an experiment gives it."""
