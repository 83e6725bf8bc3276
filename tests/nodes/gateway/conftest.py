"""A fleet behind gateways, without Flower in between."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tifed.experiment import Experiment, Setup, to_toml
from tifed.experiment.identity import identity
from tifed.federation import (
    DeviceCounts,
    DeviceScore,
    FeatureSums,
    Fleet,
    PersonalScore,
    PersonalWork,
    Plan,
    Update,
)
from tifed.federation.sum_numbers import SumNumbers
from tifed.nodes.context import DeviceSelection
from tifed.nodes.gateway.relay import ask
from tifed.nodes.messages.check import checked_scores, checked_sums, checked_update
from tifed.nodes.messages.content import (
    Content,
    fit_message,
    job_runs,
    message,
    parameter_arrays,
)
from tifed.nodes.messages.device_ranges import to_ranges
from tifed.nodes.messages.own_check import (
    OwnSamples,
    checked_counts,
    checked_own_scores,
    checked_own_sums,
    checked_personal,
)
from tifed.nodes.messages.own_data import counts_message, keep_message, personalise_message
from tifed.rule.integer.rounding import Integers
from tifed.rule.network import Parameters


@dataclass
class GatewayFleet:
    """Asks one gateway after the other."""

    setup: Setup
    experiment: Experiment
    addresses: Sequence[str]
    timeout: float = 300.0
    tls: Path | None = None
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = identity(self.experiment)
        self.known = OwnSamples.of(self.setup.inputs)

    def _asked(self) -> Iterator[tuple[Integers, Callable[[Content], Content]]]:
        """Every gateway's devices, and how to ask it."""
        for number, address in enumerate(self.addresses):
            selection = DeviceSelection(partition=(number, len(self.addresses)))
            devices = np.array(selection.devices(self.experiment.devices))
            text = to_toml(self.experiment)

            def send(content: Content, ask: Callable[..., Content]) -> Content:
                answer = ask(content=content, timeout=self.timeout, tls=self.tls)
                assert "refused" not in answer.values, answer.values["refused"]
                return answer

            yield devices, partial(send, ask=partial(ask, address, text, selection))

    def calibrate(self, devices: Sequence[int], samples: int) -> Iterator[FeatureSums]:
        for own, send in self._asked():
            arrays = {"devices": to_ranges(own)}
            answer = send(message("calibrate", self.name, arrays, samples=samples))
            if self.setup.inputs.own_data:
                yield checked_own_sums(answer, self.known, own, samples)
            else:
                yield checked_sums(answer, self.setup.federation, own, samples)

    def fit(self, plan: Plan, parameters: Parameters) -> Iterator[Update]:
        for own, send in self._asked():
            jobs = plan.jobs.for_devices(own)
            request = fit_message(self.name, plan, parameters)
            request.arrays["jobs"] = job_runs(jobs, plan.residuals)
            answer = send(request)
            yield checked_update(
                answer, SumNumbers(self.setup.federation, replace(plan, jobs=jobs), parameters)
            )

    def evaluate(self, parameters: Parameters) -> Iterator[DeviceScore]:
        for own, send in self._asked():
            answer = send(message("evaluate", self.name, parameter_arrays(parameters)))
            if self.setup.inputs.own_data:
                yield from checked_own_scores(answer, self.known, own)
            else:
                yield from checked_scores(answer, self.setup.federation, own)

    def counts(self) -> Iterator[DeviceCounts]:
        for own, send in self._asked():
            yield from checked_counts(send(counts_message(self.name)), self.known, own)

    def keep(self, parameters: Parameters, number: int) -> None:
        for _, send in self._asked():
            send(keep_message(self.name, parameters, number))

    def personalise(self, parameters: Parameters, work: PersonalWork) -> Iterator[PersonalScore]:
        for own, send in self._asked():
            answer = send(personalise_message(self.name, parameters, work))
            yield from checked_personal(answer, self.known, own)

    def close(self) -> None:
        pass


@pytest.fixture
def behind() -> Callable[..., Callable[[Setup], Fleet]]:
    """From an experiment and its gateways' addresses to what makes the fleet."""

    def make(
        experiment: Experiment, *addresses: str, tls: Path | None = None
    ) -> Callable[[Setup], Fleet]:
        return lambda setup: GatewayFleet(setup, experiment, addresses, tls=tls)

    return make
