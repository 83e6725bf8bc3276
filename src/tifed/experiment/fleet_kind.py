"""Kinds of fleets by name: each with its own settings, and the fleet by them."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from pydantic import BaseModel, ConfigDict

from tifed.federation import Fleet
from tifed.fleets import FleetInputs
from tifed.registry import Registry, subclass_of

if TYPE_CHECKING:
    from tifed.experiment.schema import Experiment


class FleetKind(BaseModel, ABC):
    """Settings of a kind of fleet (``[fleet_settings]``), and the fleet by them.

    Frozen; unknown fields are refused. A fleet decides who does the work and where, and no digest:
    all fleets give the same, so a run can go on with another fleet or other settings of it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sends_samples: ClassVar[bool] = True
    """Whether `FleetInputs.sent` is read; where it is not, raw samples need not be loaded."""

    makes_copies: ClassVar[bool] = False
    """Whether its devices train on the copies of `Stream.read_for_training`, for which an
    experiment can ask with ``pixel_shifts``."""

    keeps_data: ClassVar[bool] = False
    """Whether its fleet is a `tifed.federation.OwnDataFleet`, for which an experiment can ask with
    ``own_data``."""

    brings_data: ClassVar[bool] = False
    """Whether its devices have samples that nobody dealt to them, so that the experiment can say
    ``dataset = "on-devices"``."""

    makes_keys: ClassVar[bool] = False
    """Whether it can give its devices keys, for which an experiment can ask with ``link.sealed``.
    """

    keeps_residuals: ClassVar[bool] = False
    """Whether its devices keep what of their changes was too small to go up (SPEC, section 25.8),
    for which an experiment can ask with ``compression.residual``."""

    def check(self, experiment: "Experiment") -> None:
        """Make sure that the experiment's other settings go with this fleet.

        Raises:
            ValueError: naming the one that does not.
        """
        if experiment.link.devices:
            raise ValueError("link.devices: goes with fleet = 'linked', and only with it")
        if experiment.link.keys or experiment.link.unsealed:
            which = "keys" if experiment.link.keys else "unsealed"
            raise ValueError(f"link.{which}: goes with fleet = 'linked', and only with it")
        if experiment.link.sealed and not self.makes_keys:
            raise ValueError(
                "link.sealed: goes with fleet = 'emulated'; for boards name the file of their keys "
                "(link.keys)"
            )

    @abstractmethod
    def fleet(self, experiment: "Experiment", inputs: FleetInputs) -> Fleet:
        """The fleet; nothing is opened or started before it is needed."""


FLEETS: Registry[type[FleetKind]] = Registry(
    "fleet",
    "tifed.fleets",
    {
        "simulated": "tifed.experiment.fleets:Simulated",
        "linked": "tifed.experiment.fleets:Linked",
        "emulated": "tifed.experiment.fleets:Emulated",
    },
    subclass_of(FleetKind),
    "a subclass of tifed.experiment.FleetKind",
)
"""Every kind of fleet by the name that an experiment gives it."""
