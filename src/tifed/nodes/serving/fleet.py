"""A fleet whose devices sit behind nodes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from tifed.errors import RunError
from tifed.federation import (
    DeviceCounts,
    DeviceScore,
    FeatureSums,
    PersonalScore,
    PersonalWork,
    Plan,
    Update,
)
from tifed.federation.sum_numbers import SumNumbers
from tifed.nodes.messages.check import (
    checked_absence,
    checked_scores,
    checked_sums,
    checked_update,
)
from tifed.nodes.messages.content import (
    Arrays,
    Content,
    fit_message,
    job_runs,
    message,
    parameter_arrays,
)
from tifed.nodes.messages.device_ranges import text, to_ranges
from tifed.nodes.messages.own_check import (
    OwnSamples,
    checked_counts,
    checked_own_scores,
    checked_own_sums,
    checked_personal,
)
from tifed.nodes.messages.own_data import counts_message, keep_message, personalise_message
from tifed.nodes.serving.exchange import Exchanges
from tifed.rule.integer.rounding import Integers
from tifed.rule.network import Parameters

NO_NODE = "no answer of its node"
"""Why devices have not answered whose node is lost."""

Row = TypeVar("Row", DeviceCounts, DeviceScore, PersonalScore)


@dataclass
class NodeFleet(Exchanges):
    """Devices behind nodes, each of which takes and answers for all of its own at once.

    Attributes:
        own: how many samples devices have themselves, with own data; else None.
        again: see `tifed.federation.InsistentFleet`.
    """

    own: OwnSamples | None = None
    again: Callable[[int, Integers], None] = lambda number, devices: None

    def calibrate(self, devices: Sequence[int], samples: int) -> Iterator[FeatureSums]:
        """Feature sums, one per node."""

        def ask(own: Integers) -> Arrays:
            return {"devices": to_ranges(own)}

        def accept(content: Content, own: Integers) -> FeatureSums:
            if self.own is not None:
                sums = checked_own_sums(content, self.own, own, samples)
                self._tell("calibration", content, own, sums.devices)
                return sums
            sums = checked_sums(content, self.federation, own, samples)
            if len(sums.devices) < len(own):
                missing = np.setdiff1d(own, sums.devices)
                self.log(f"calibration: no answer of devices {text(missing)}")
            return sums

        wanted = np.asarray(devices, np.int64)
        request = message("calibrate", self.experiment, {}, samples=samples)
        return self.exchange("calibration", wanted, request, ask, accept)

    def fit(self, plan: Plan, parameters: Parameters) -> Iterator[Update]:
        """The sums of the devices in ``plan``, one per node."""
        jobs, name = plan.jobs, f"round {plan.round + 1}, exchange {plan.exchange}"

        def ask(own: Integers) -> Arrays:
            return {"jobs": job_runs(jobs.for_devices(own))}

        def accept(content: Content, own: Integers) -> Update:
            update = checked_update(
                content,
                SumNumbers(self.federation, replace(plan, jobs=jobs.for_devices(own)), parameters),
            )
            for device, reason in update.absent.items():
                self.log(f"{name}: no answer of device {device}: {reason}")
            return update

        def lose(lost: Integers) -> Update:
            return Update(absent=dict.fromkeys(lost.tolist(), NO_NODE))

        request = fit_message(self.experiment, plan, parameters)

        def again(own: Integers) -> None:
            self.again(plan.round, own)

        yield from self.exchange(name, jobs.device, request, ask, accept, lose, again)
        if len(jobs) and self.deserted:
            # Going on would use up the devices' samples for nothing.
            raise RunError("no node is left; go on with the run when there are some")

    def evaluate(self, parameters: Parameters) -> Iterator[DeviceScore]:
        """Scores of all devices whose nodes answer."""
        request = message("evaluate", self.experiment, parameter_arrays(parameters))

        def accept(content: Content, own: Integers) -> list[DeviceScore]:
            if self.own is None:
                return checked_scores(content, self.federation, own)
            return checked_own_scores(content, self.own, own)

        return self._of_all("evaluation", request, accept)

    def counts(self) -> Iterator[DeviceCounts]:
        """How many samples all devices have whose nodes answer."""
        known = self._known

        def accept(content: Content, own: Integers) -> list[DeviceCounts]:
            return checked_counts(content, known, own)

        return self._of_all("counts", counts_message(self.experiment), accept)

    def keep(self, parameters: Parameters, number: int) -> None:
        """Give a model to all devices whose nodes answer."""
        every = np.arange(self.federation.devices)
        request = keep_message(self.experiment, parameters, number)
        name = "model to keep"

        def accept(content: Content, own: Integers) -> None:
            self._tell(name, content, own, own[:0])

        for _ in self.exchange(name, every, request, _nothing, accept):
            pass

    def personalise(self, parameters: Parameters, work: PersonalWork) -> Iterator[PersonalScore]:
        """What personal rounds give all devices whose nodes answer."""
        known = self._known

        def accept(content: Content, own: Integers) -> list[PersonalScore]:
            return checked_personal(content, known, own)

        request = personalise_message(self.experiment, parameters, work)
        return self._of_all("personal rounds", request, accept)

    def close(self) -> None:
        """Give up waiting."""
        self.stop.set()

    def _of_all(
        self,
        name: str,
        request: Content,
        accept: Callable[[Content, Integers], list[Row]],
    ) -> Iterator[Row]:
        """Rows of all devices, ascending: whatever the order of replies, they go to a file."""

        def accept_and_tell(content: Content, own: Integers) -> list[Row]:
            rows = accept(content, own)
            if self.own is not None:
                self._tell(name, content, own, np.array([row.device for row in rows], np.int64))
            return rows

        every = np.arange(self.federation.devices)
        answers = self.exchange(name, every, request, _nothing, accept_and_tell)
        rows = [row for some in answers for row in some]
        return iter(sorted(rows, key=lambda row: row.device))

    def _tell(self, name: str, content: Content, asked: Integers, answered: Integers) -> None:
        """Log which devices with data of their own have not answered, and why."""
        for device, reason in checked_absence(content, asked, answered).items():
            self.log(f"{name}: no answer of device {device}: {reason}")

    @property
    def _known(self) -> OwnSamples:
        """With own data how many samples devices have.

        Raises:
            RunError: if the run is without.
        """
        if self.own is None:
            raise RunError("own_data: this run sends devices their samples")
        return self.own


def _nothing(own: Integers) -> Arrays:
    """What a node gets besides, where all are asked the same."""
    del own
    return {}
