"""Federated averaging (McMahan et al., 2017) in float32, for comparison only: not for devices.

The very same federation as the integers': the same plans, so the same devices are asked at the
same time for the same layers, with the same buffers in the same order, mini-batches and local
epochs, and the same failures. Only the arithmetic differs.

A fixed seed gives the same numbers on one machine. Across machines, NumPy versions or numbers of
threads they may differ: the order in which a matrix product adds up is the BLAS library's affair.
That is what integers are free of.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tifed.baselines.float_checkpoint import load_checkpoint, save_checkpoint
from tifed.baselines.float_costs import calibration_costs, exchange_costs
from tifed.baselines.float_device import FloatUpdate, local_steps
from tifed.baselines.float_fedavg import Carrier, FloatFedAvg
from tifed.baselines.float_model import digest, save_model
from tifed.baselines.float_network import (
    FloatParameters,
    Floats,
    predict,
    random_feedback,
    start,
)
from tifed.baselines.float_server import FloatState, aggregate, initial_layers, published, sent
from tifed.errors import RunError, UsageError
from tifed.federation import Costs, DeviceScore, Federation, Job, RoundRecord
from tifed.federation.checkpoint_file import Checkpoint
from tifed.federation.device import Stream, calibrate
from tifed.fleets import Fails
from tifed.rule.integer.rounding import Integers
from tifed.rule.learning import Statistics


@dataclass(frozen=True)
class FloatTraining:
    """A run of the baseline.

    Attributes:
        settings: of the learning rule; a server momentum that they leave open is 0.
        federation: the run's constants; of its network only the shape matters.
        streams: per device its samples.
        fails: which devices fail when.

    Raises:
        UsageError: if there is not one stream per device.
    """

    settings: FloatFedAvg
    federation: Federation
    streams: Sequence[Stream]
    fails: Fails

    def __post_init__(self) -> None:
        if len(self.streams) != self.federation.devices:
            raise UsageError(f"streams: {len(self.streams)} for {self.federation.devices} devices")

    def begin(self) -> tuple[FloatState, Costs]:
        """The state before the first round, after the calibration round if there is one."""
        shape, seed = self.federation.network.shape, self.federation.seed
        centre, costs = np.zeros(shape[0], np.float32), Costs()
        if self.settings.calibration_samples:
            samples = self.settings.calibration_samples
            sums = [calibrate(device, one, samples) for device, one in enumerate(self.streams)]
            total = np.sum([part.total for part in sums], axis=0, dtype=np.int64)
            centre = np.asarray(total / sum(part.samples for part in sums), np.float32)
            costs = calibration_costs(shape[0], len(self.streams))
        # An output layer that starts at 0 grows into line with fixed feedback matrices.
        layers = initial_layers(start(shape, centre, seed, zero_output=self._feedback is not None))
        turns = np.zeros(self.federation.devices, np.int64)
        return FloatState(0, 0, turns, centre, layers), costs

    def rounds(self, state: FloatState) -> Iterator[tuple[FloatState, RoundRecord]]:
        """The rounds that come after ``state``, one per item.

        Raises:
            RunError: if a parameter is no longer finite.
        """
        federation, settings = self.federation, self.settings
        shape = federation.network.shape
        while state.round < federation.rounds:
            number = state.round
            costs, statistics, updates = Costs(), Statistics(), Counter[int]()
            asked, answered = np.zeros(0, np.int64), set[int]()
            for plan in federation.plans(state):
                rate = settings.learning_rate * 0.5**plan.extra_shift
                asked = plan.jobs.device
                with np.errstate(over="ignore", invalid="ignore"):  # _check_finite says it better
                    outcomes = [
                        self._update(job, sent(state), rate, plan.exchange)
                        for job in plan.jobs
                        if not self.fails(job.device, number)
                    ]
                present = {outcome.job.device for outcome in outcomes}
                state = replace(state, exchange=state.exchange + 1)
                if len(present) >= federation.minimum_devices:
                    state = replace(state, layers=aggregate(state.layers, outcomes, settings))
                    _check_finite(state, number)
                    updates.update(layer for one in outcomes for layer in one.job.layers)
                answered |= present
                statistics += sum((outcome.statistics for outcome in outcomes), Statistics())
                costs += exchange_costs(shape, settings.feedback, plan, present, federation.batch)
            state = federation.after_round(state)
            yield (
                state,
                RoundRecord(
                    number,
                    asked,
                    np.array(sorted(answered), np.int64),
                    dict(updates),
                    statistics,
                    costs,
                ),
            )

    def classify(self, state: FloatState, samples: NDArray[np.int8]) -> Integers:
        """The published model's class (N,) of each sample (N, D)."""
        return predict(published(state), samples).astype(np.int64)

    def digest(self, state: FloatState) -> str:
        """SHA-256 of the published model; it need not repeat on another machine."""
        return digest(published(state))

    def exchanges(self, state: FloatState) -> int:
        """How many exchanges changed the model, of the layer that most of them changed."""
        return max(layer.updates for layer in state.layers)

    def scores(self, state: FloatState) -> Iterator[DeviceScore]:
        """How the published model does on each device's own samples."""
        for device, stream in enumerate(self.streams):
            samples, labels = stream.own()
            right = np.count_nonzero(self.classify(state, samples) == labels)
            yield DeviceScore(device, int(right), len(labels))

    def save_model(self, path: Path, state: FloatState) -> None:
        """Write the published model; nothing but a reader of safetensors takes it."""
        save_model(path, published(state))

    def save_checkpoint(
        self, folder: Path, checkpoint: Checkpoint[FloatState], experiment_digest: str
    ) -> None:
        """Write a checkpoint file."""
        save_checkpoint(folder, checkpoint, experiment_digest)

    def load_checkpoint(self, path: Path, experiment_digest: str) -> Checkpoint[FloatState]:
        """Read a checkpoint file.

        Raises:
            RunError: if it is damaged.
            UsageError: if it is of another experiment.
        """
        return load_checkpoint(path, self.federation, experiment_digest)

    def close(self) -> None:
        """Nothing to give back."""

    def _update(
        self, job: Job, parameters: FloatParameters, rate: float, exchange: int
    ) -> FloatUpdate:
        """One device's work; its momentum begins anew with each buffer."""
        federation, statistics = self.federation, Statistics()
        for part in federation.by_buffer(job):
            made = local_steps(
                parameters, self._feedback, self.streams[job.device], part, federation.batch,
                rate, self.settings.momentum, federation.seed, exchange,
            )  # fmt: skip
            parameters, statistics = made.parameters, statistics + made.statistics
        return FloatUpdate(job, parameters, statistics)

    @cached_property
    def _feedback(self) -> tuple[Floats, ...] | None:
        """The matrices of DFA; None for backpropagation."""
        if self.settings.feedback is Carrier.BACKPROPAGATION:
            return None
        return random_feedback(self.federation.network.shape, self.federation.seed)


def _check_finite(state: FloatState, number: int) -> None:
    """Refuse to go on with infinities."""
    parameters = sent(state)
    if not all(np.isfinite(tensor).all() for tensor in (*parameters.weights, *parameters.biases)):
        raise RunError(
            f"float baseline: diverged in round {number + 1}; use a smaller learning_rate"
        )
