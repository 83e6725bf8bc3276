"""Federated averaging (McMahan et al., 2017) in float32, for comparison only: not for devices.

The very same federation as the integers': the same plans, so the same devices are asked at the
same time for the same layers, with the same buffers in the same order, mini-batches and local
epochs, and the same failures. Only the arithmetic differs.

A fixed seed gives the same numbers on one machine. Across machines, NumPy versions or numbers of
threads they may differ: the order in which a matrix product adds up is the BLAS library's affair.
That is what integers are free of.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tifed.baselines.float_costs import calibration_costs, exchange_costs
from tifed.baselines.float_device import local_steps
from tifed.baselines.float_network import (
    Algorithm,
    FloatParameters,
    Floats,
    random_feedback,
    start,
)
from tifed.baselines.float_server import aggregate, initial_layers, published, sent
from tifed.device import Stream, calibrate
from tifed.errors import RunError, UsageError
from tifed.federation import Costs, Federation, Plan, initial_state
from tifed.learning import Statistics
from tifed.network import start_parameters

Fails = Callable[[int, int], bool]
"""From a device and a round to whether it fails then; `tifed.fleets.FaultyFleet.fails` is one."""


def _never(device: int, number: int) -> bool:
    return False


@dataclass(frozen=True, eq=False)
class FloatRound:
    """What a round left behind.

    Attributes:
        round: its number, from 0.
        parameters: the published model after it.
        loss: mean cross-entropy of the samples trained on, each before its update, nats; 0 if no
            device answered.
        statistics: visits and misses over devices; floats do not saturate, so the rest is 0.
        asked: devices that were sent work.
        answered: devices that did it.
        costs: totals over devices, in float32 bytes; those of round 0 include the calibration.
    """

    round: int
    parameters: FloatParameters
    loss: float
    statistics: Statistics
    asked: tuple[int, ...]
    answered: tuple[int, ...]
    costs: Costs


@dataclass(frozen=True)
class FloatFedAvg:
    """Settings of the baseline.

    The defaults were chosen on validation samples only, eight devices, IID, seeds 0 to 2, by
    `tifed.baselines.learning_rate_search`: on Fashion-MNIST (784-200-10, one pass) a rate of 0.05
    gives a mean accuracy of .868, 0.1 gives .871 and 0.15 gives .860; on digits (64-32-10) they
    give .958, .964 and .966. Without a centre the rates 0.01 to 0.1 are all worse on Fashion-MNIST.
    Float DFA in single-layer mode needs a smaller rate: .84 at 0.02 (seeds 0 and 1), .66 at 0.05.

    Attributes:
        learning_rate: of stochastic gradient descent on the mean loss of a mini-batch, above 0; a
            plan's ``extra_shift`` (the integers' late decay) halves it as often.
        momentum: on the device, 0 up to but not 1; a device forgets its velocity after each
            exchange, for it keeps nothing but what the server sends.
        algorithm: backpropagation or float DFA.
        calibration_samples: samples per device that the input's centre is the mean of; 0 for none.
        server_rate: how far the server moves towards the average; 1 is plain averaging.
        running_mean: exchanges that the published model averages over; 1 publishes the last one.

    Raises:
        UsageError: naming a field that is out of range.
    """

    learning_rate: float = 0.1
    momentum: float = 0.0
    algorithm: Algorithm = Algorithm.BACKPROPAGATION
    calibration_samples: int = 50
    server_rate: float = 1.0
    running_mean: int = 1

    def __post_init__(self) -> None:
        for name, valid, allowed in (
            ("learning_rate", 0 < self.learning_rate < float("inf"), "a number above 0"),
            ("momentum", 0 <= self.momentum < 1, "0 or more and below 1"),
            ("calibration_samples", self.calibration_samples >= 0, "0 or more"),
            ("server_rate", 0 < self.server_rate < float("inf"), "a number above 0"),
            ("running_mean", self.running_mean >= 1, "1 or more"),
        ):
            if not valid:
                raise UsageError(f"{name}: {getattr(self, name)} is not {allowed}")

    def run(
        self, federation: Federation, streams: Sequence[Stream], fails: Fails = _never
    ) -> Iterator[FloatRound]:
        """All rounds of ``federation``, one per item.

        Args:
            federation: the run's constants; of its network only the shape matters.
            streams: per device its samples.
            fails: which devices fail when.

        Raises:
            UsageError: if there is not one stream per device.
            RunError: if a parameter is no longer finite.
        """
        if len(streams) != federation.devices:
            raise UsageError(f"streams: {len(streams)} for {federation.devices} devices")
        shape, batch = federation.network.shape, federation.batch
        feedback = None
        if self.algorithm is Algorithm.DFA:
            feedback = random_feedback(shape, federation.seed)
        centre = self._centre(shape[0], streams)
        layers = initial_layers(start(shape, centre, federation.seed, self.algorithm))
        costs = calibration_costs(shape[0], len(streams)) if self.calibration_samples else Costs()
        for number, plans in enumerate(_rounds(federation)):
            loss, statistics, answered = 0.0, Statistics(), set[int]()
            for plan in plans:
                rate = self.learning_rate * 0.5**plan.extra_shift
                parameters = sent(centre, layers)
                with np.errstate(over="ignore", invalid="ignore"):  # _check_finite says it better
                    outcomes = [
                        local_steps(
                            parameters, feedback, streams[job.device], job, batch, rate,
                            self.momentum,
                        )
                        for job in plan.jobs
                        if not fails(job.device, number)
                    ]  # fmt: skip
                present = {outcome.job.device for outcome in outcomes}
                if len(present) >= federation.minimum_devices:
                    layers = aggregate(layers, outcomes, self.server_rate, self.running_mean)
                    _check_finite(sent(centre, layers), number)
                answered |= present
                loss += sum(outcome.loss for outcome in outcomes)
                statistics = sum((outcome.statistics for outcome in outcomes), statistics)
                costs += exchange_costs(shape, self.algorithm, plan, present, batch)
            yield FloatRound(
                round=number,
                parameters=published(centre, layers),
                loss=loss / max(1, statistics.visits),
                statistics=statistics,
                asked=tuple(job.device for job in plans[-1].jobs),
                answered=tuple(sorted(answered)),
                costs=costs,
            )
            costs = Costs()

    def _centre(self, features: int, streams: Sequence[Stream]) -> Floats:
        """Mean of each feature over the first samples of every device."""
        if not self.calibration_samples:
            return np.zeros(features, np.float32)
        sums = [calibrate(stream, self.calibration_samples) for stream in streams]
        total = np.sum([part.total for part in sums], axis=0, dtype=np.int64)
        return np.asarray(total / sum(part.samples for part in sums), np.float32)


def _rounds(federation: Federation) -> Iterator[tuple[Plan, ...]]:
    """The exchanges of each round: what is asked of whom does not depend on what was learnt."""
    nothing = start_parameters(federation.network, (0,) * federation.network.depth, 0)
    state = initial_state(federation.server, nothing, federation.devices)
    while state.round < federation.rounds:
        plans = tuple(federation.plans(state))
        yield plans
        state = replace(federation.after_round(state), exchange=state.exchange + len(plans))


def _check_finite(parameters: FloatParameters, number: int) -> None:
    """Refuse to go on with infinities."""
    if not all(np.isfinite(tensor).all() for tensor in (*parameters.weights, *parameters.biases)):
        raise RunError(
            f"float baseline: diverged in round {number + 1}; use a smaller learning_rate"
        )
