"""A fleet behind nodes whose sums the server sees as one (SPEC, section 21)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tifed.errors import RunError
from tifed.federation import FeatureSums, Plan, Update
from tifed.federation.sum_numbers import SumNumbers
from tifed.nodes.messages.check import checked_sums, checked_update
from tifed.nodes.messages.content import (
    Content,
    MessageError,
    job_runs,
    message,
    update_message,
)
from tifed.nodes.messages.device_ranges import to_ranges
from tifed.nodes.messages.masked import masked_calibrate_message, masked_fit_message
from tifed.nodes.messages.own_check import checked_own_sums
from tifed.nodes.serving.masked_exchanges import MaskedExchanges, Work
from tifed.rule.network import Parameters
from tifed.secure_aggregation.errors import VoidExchangeError
from tifed.secure_aggregation.vectors import (
    CalibrationVectors,
    UpdateVectors,
    calibration_width,
    layers_in,
)


@dataclass
class SecureNodeFleet(MaskedExchanges):
    """Asks for masked sums where `NodeFleet` asks for plain ones; a node is a site."""

    def calibrate(self, devices: Sequence[int], samples: int) -> Iterator[FeatureSums]:
        """The feature sums over all devices whose nodes answer, as one.

        Raises:
            RunError: if too many are lost, as often as a node may be asked, or the sum is none that
                so many samples can have.
        """
        federation, wanted = self.federation, np.asarray(devices, np.int64)
        vectors = CalibrationVectors(federation.network.features, calibration_width(federation))

        def request(session: bytes, following: bytes | None) -> Content:
            return masked_calibrate_message(self.experiment, session, samples, following)

        work = Work(
            "calibration", request, lambda own: {"devices": to_ranges(own)}, vectors.shape
        )  # fmt: skip
        for _ in range(self.settings.attempts):
            try:
                vector, found, _ = self.summed(work, wanted)
            except VoidExchangeError as void:
                # Whoever has answered is asked anew, with other masks.
                self.log(f"calibration is void: {void}")
            else:
                yield self._checked_sums(vectors.decoded(vector, found), samples)
                return
        raise RunError("calibration: too many nodes were lost each time; see the log")

    def fit(self, plan: Plan, parameters: Parameters) -> Iterator[Update]:
        """The sum of all devices in ``plan`` whose nodes answer, as one; or that it is void."""
        jobs, name = plan.jobs, f"round {plan.round + 1}, exchange {plan.exchange}"
        numbers = SumNumbers(self.federation, plan, parameters)
        vectors = UpdateVectors(numbers, layers_in(plan))

        def request(session: bytes, following: bytes | None) -> Content:
            return masked_fit_message(
                self.experiment, session, plan, parameters, vectors.layers, following
            )

        work = Work(
            name, request, lambda own: {"jobs": job_runs(jobs.for_devices(own))},
            vectors.shape, self.federation.minimum_devices,
        )  # fmt: skip
        try:
            vector, found, absent = self.summed(work, jobs.device)
            update = self._checked_update(numbers, vectors.decoded(vector, found))
        except VoidExchangeError as void:
            self.log(f"{name} is void: {void}")
            absent = dict.fromkeys(jobs.device.tolist(), f"its exchange is void: {void}")
            update = Update()
        yield replace(update, absent=absent)
        if len(jobs) and self.deserted:
            # Going on would use up the devices' samples for nothing.
            raise RunError("no node is left; go on with the run when there are some")

    def _checked_update(self, numbers: SumNumbers, update: Update) -> Update:
        """The sum, held to what one node with all the devices could have answered.

        Raises:
            VoidExchangeError: if it could not.
        """
        try:
            content = update_message(self.experiment, numbers, update)
            return checked_update(content, numbers)
        except MessageError as reason:
            raise VoidExchangeError(f"the sum {reason}") from reason

    def _checked_sums(self, sums: FeatureSums, samples: int) -> FeatureSums:
        """The same of a calibration.

        Raises:
            RunError: if it could not. It is not repeated, for its sum is known by now, and another
                sum, over other sites, would tell what those have that are in one of both alone.
        """
        content = message(
            "calibrate", self.experiment,
            {"devices": to_ranges(sums.devices), "total": sums.total},
            samples=sums.samples, squares=sums.squares,
        )  # fmt: skip
        try:
            if self.own is not None:
                return checked_own_sums(content, self.own, sums.devices, samples)
            return checked_sums(content, self.federation, sums.devices, samples)
        except MessageError as reason:
            raise RunError(f"calibration: the sum {reason}") from reason
