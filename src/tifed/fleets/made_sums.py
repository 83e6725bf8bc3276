"""What a host has summed of its boards: it makes no second sum of the same work over others."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from tifed.federation import FeatureSums, Plan, Update
from tifed.rule.network import Parameters
from tifed.secure_aggregation.errors import VoidExchangeError

CALIBRATION = -1
"""Stands where the number of an exchange does."""


@dataclass
class MadeSums:
    """The sums that a host has made, or has begun to take masks off, of one experiment.

    Boards do the same work in the same way, so of two sums over other boards the difference is what
    the boards in one alone have learnt. It outlives the lines to the boards, as a host does that
    gives a work up and is asked for it again.

    Attributes:
        over: by exchange the boards that its one sum is over, by number, ascending.
        update: what was asked in the last exchange that has a sum, as a digest, and the sum.
        calibration: the same of the calibration.
    """

    over: dict[int, tuple[int, ...]] = field(default_factory=dict)
    update: tuple[str, Update] | None = None
    calibration: tuple[str, FeatureSums] | None = None

    def settle(self, exchange: int, devices: Sequence[int]) -> None:
        """Have the sum of an exchange be over ``devices``, before masks are taken off it.

        Raises:
            VoidExchangeError: if it is over others.
        """
        before = self.over.setdefault(exchange, tuple(sorted(devices)))
        if before != tuple(sorted(devices)):
            raise VoidExchangeError(
                f"masks were taken off a sum over devices {listed(before)} already, and a second "
                f"one, over {listed(devices)}, would tell the difference of both"
            )


def work_digest(plan: Plan, parameters: Parameters) -> str:
    """SHA-256 (hex) of all that devices are asked for in an exchange."""
    asked = [plan.round, plan.exchange, plan.extra_shift, plan.energy_shift, *plan.jobs]
    return hashlib.sha256(f"{asked} {parameters.digest}".encode()).hexdigest()


def calibration_digest(devices: Sequence[int], samples: int) -> str:
    """The same of a calibration."""
    return hashlib.sha256(f"{sorted(devices)} {samples}".encode()).hexdigest()


def listed(devices: Sequence[int]) -> str:
    """Numbers of devices, in words."""
    return ", ".join(map(str, sorted(devices)))
