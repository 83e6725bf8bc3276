"""What devices have left of changes that were too small to go up (SPEC, section 25.8)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tifed.rule.integer.rounding import Integers

if TYPE_CHECKING:
    from tifed.federation.plan import Jobs, Plan

LayerResiduals = Mapping[int, NDArray[np.int8]]
"""Of a device, per layer whose changes go up as short numbers, int8 (fan_in, fan_out)."""


@dataclass(frozen=True, eq=False)
class Residuals:
    """What is left on every device, as the run knows it between two exchanges.

    Attributes:
        after: int64 (devices,), of each device the last exchange that its update counted in, which
            its residual holds after; -1 if its residual is 0.
        of: of each device that is simulated in this process, and whose residual is not 0 by
            ``after``, the residual. Other devices have theirs themselves.
    """

    after: Integers
    of: Mapping[int, LayerResiduals] = field(default_factory=dict)

    @classmethod
    def none(cls, devices: int) -> "Residuals":
        """Before the first exchange."""
        return cls(np.full(devices, -1, np.int64))

    def before(self, device: int) -> LayerResiduals:
        """What a device that is simulated here has left; it is not one of `lost`."""
        return self.of[device] if self.after[device] >= 0 else {}

    def lost(self, jobs: "Jobs") -> dict[int, str]:
        """Those of the devices of ``jobs`` whose residual is not in this process, and what of it.

        That is so if a run on devices elsewhere goes on in a simulation.
        """
        devices = jobs.device[self.after[jobs.device] >= 0].tolist()
        return {
            device: f"what it had left after exchange {self.after[device]} is not here"
            for device in devices
            if device not in self.of
        }

    def settled(
        self, plan: "Plan", counted: Integers, told: Mapping[int, LayerResiduals]
    ) -> "Residuals":
        """The same after the exchange of ``plan``.

        Args:
            plan: of the exchange.
            counted: devices whose update is in the model. All others that were asked start over
                with a residual of 0, and those that were not asked have theirs as it was.
            told: the residuals of those that are simulated here.
        """
        after = self.after.copy()
        after[plan.jobs.device] = -1
        after[counted] = plan.exchange
        asked = set(plan.jobs.device.tolist())
        of = {device: left for device, left in self.of.items() if device not in asked}
        here = {device: told[device] for device in counted.tolist() if device in told}
        return Residuals(after, of | here)
