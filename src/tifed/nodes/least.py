"""How few samples of a device may stand behind a number that leaves a node: its owner says."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from tifed.federation import DeviceCounts, Plan
from tifed.nodes.messages.content import MessageError


@dataclass(frozen=True)
class LeastSamples:
    """The fewest samples of each device that something is computed from.

    Attributes:
        update: training samples, for an update.
        calibration: training samples, for sums.
        evaluation: held-out samples, for a score.
    """

    update: int = 10
    calibration: int = 50
    evaluation: int = 10

    def told(self, counts: DeviceCounts) -> DeviceCounts:
        """``counts`` of a device of this owner."""
        return replace(
            counts,
            least_training=self.update,
            least_calibration=self.calibration,
            least_held_out=self.evaluation,
        )

    def check_calibration(self, samples: int) -> None:
        """Make sure that a calibration is not over too few samples.

        Raises:
            MessageError: if it is.
        """
        if samples < self.calibration:
            raise MessageError(
                f"will not sum {samples} samples of a device: its owner asks for at least "
                f"{self.calibration}"
            )

    def check_plan(self, plan: Plan, batch: int) -> None:
        """Make sure that no update is of too few samples.

        Args:
            plan: what devices are asked for.
            batch: samples per mini-batch.

        Raises:
            MessageError: if one is.
        """
        jobs = plan.jobs
        batches = -(-jobs.samples // batch)
        first = jobs.first_step % batches
        # Behind the last mini-batch, which may be short, the buffer begins again.
        behind = np.minimum(jobs.samples - first * batch, jobs.steps * batch)
        ahead = np.maximum(first + jobs.steps - batches, 0) * batch
        trained = np.where(jobs.steps >= batches, jobs.samples, np.maximum(behind, ahead))
        (few,) = np.nonzero(trained < self.update)
        if len(few):
            raise MessageError(
                f"will not train device {plan.jobs.device[few[0]]} on {trained[few[0]]} samples "
                f"alone: its owner asks for at least {self.update} in an update"
            )

    def without(self, counts: Mapping[int, DeviceCounts], kind: str) -> dict[int, str]:
        """The devices with too few samples for messages of ``kind``, with how many they have.

        Args:
            counts: of the devices to look at.
            kind: of the message.
        """
        few: dict[int, str] = {}
        for device, own in counts.items():
            for wanted, have, kinds, name in (
                (self.update, own.training, ("fit", "personalise"), "training"),
                (self.calibration, own.training, ("calibrate",), "training"),
                (self.evaluation, own.held_out, ("evaluate", "personalise"), "held-out"),
            ):
                # Nothing follows from no sample, whatever the owner allows.
                if kind in kinds and have < max(1, wanted):
                    few[device] = f"has {have} {name} samples, and {wanted} are asked for"
        return few
