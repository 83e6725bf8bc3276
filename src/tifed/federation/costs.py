"""What an exchange costs a device: bytes and multiply-accumulates."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tifed.federation.aggregation import ServerState
from tifed.federation.fleet import DeviceScore, PersonalScore, PersonalWork
from tifed.federation.plan import Jobs, Plan
from tifed.federation.travel import bytes_down, bytes_of, bytes_up
from tifed.federation.update import Update
from tifed.rule.compression import Change
from tifed.rule.integer.rounding import Integers
from tifed.rule.network import Feedback, Network
from tifed.rule.network.memory import layer_bytes

if TYPE_CHECKING:
    from tifed.federation.federation import Federation

CALIBRATION_WORD = 4
"""Bytes of one feature's sum in the calibration round (int32)."""
CALIBRATION_SQUARES = 8
"""Bytes of the sum of squares in the calibration round (uint64)."""


SCORE_WORD = 4
"""Bytes of a number of samples in a device's score of a model (uint32)."""


@dataclass(frozen=True)
class Costs:
    """Totals over devices; they add up.

    Attributes:
        bytes_down: parameters sent to devices.
        bytes_up: parameters sent by devices.
        macs: multiply-accumulates of forward passes, feedback and updates.
    """

    bytes_down: int = 0
    bytes_up: int = 0
    macs: int = 0

    def __add__(self, other: "Costs") -> "Costs":
        """Sum of both."""
        return Costs(
            self.bytes_down + other.bytes_down,
            self.bytes_up + other.bytes_up,
            self.macs + other.macs,
        )


def download_bytes(network: Network, changes: tuple[Change, ...] = (), missed: int = 1) -> int:
    """What a device receives per exchange: every layer, for the forward pass needs them all.

    Args:
        network: what it holds.
        changes: per layer how weights go down; () if whole.
        missed: after how many exchanges it is asked again, 1 if in each.
    """
    if not changes:
        return sum(layer_bytes(network, layer) for layer in range(network.depth))
    return sum(
        bytes_of(layer, change.top * missed, layer.fan_in)
        for layer, change in zip(network.layers, changes, strict=True)
    )


def upload_bytes(
    network: Network, layers: tuple[int, ...], changes: tuple[Change, ...] = ()
) -> int:
    """What a device sends per exchange: the layers that it trained.

    Args:
        network: what it holds.
        layers: that it trained.
        changes: per layer how weights go up; () if whole. Where only some rows go up in a round it
            is their mean number, rounded up.
    """
    if not changes:
        return sum(layer_bytes(network, layer) for layer in layers)
    return sum(
        bytes_of(network.layers[n], changes[n].top, -(-network.layers[n].fan_in // changes[n].rows))
        for n in layers
    )


def macs_per_visit(network: Network, layers: tuple[int, ...]) -> int:
    """Multiply-accumulates of one sample: forward, dense feedback, and the trained updates.

    Feedback of plus or minus one costs two additions per unit and is not counted.
    """
    products = [layer.fan_in * layer.fan_out for layer in network.layers]
    dense = network.feedback is Feedback.UNIFORM
    feedback = sum(
        network.classes * network.layers[layer].fan_out
        for layer in layers
        if dense and layer < network.depth - 1
    )
    return sum(products) + feedback + sum(products[layer] for layer in layers)


def visits(jobs: Jobs, batch: int) -> Integers:
    """Samples that the steps of each job train on, each epoch counted: int64 (n,)."""
    return _visits(jobs, jobs.first_step + jobs.steps, batch) - _visits(
        jobs, jobs.first_step, batch
    )


def _visits(jobs: Jobs, steps: Integers, batch: int) -> Integers:
    """Samples in the first ``steps`` steps; only a buffer's last mini-batch is a smaller one."""
    epoch = -(-jobs.samples // batch)
    seen: Integers = steps // epoch * jobs.samples + steps % epoch * batch
    return seen


def exchange_costs(
    federation: "Federation", plan: Plan, state: ServerState, update: Update
) -> Costs:
    """What an exchange cost: every device asked was sent parameters, those who answered worked.

    Args:
        federation: the run's constants.
        plan: what was asked.
        state: before the exchange.
        update: what came.
    """
    network, batch = federation.network, federation.batch
    down = len(plan.jobs) * download_bytes(network)
    if update.bytes_down is not None:
        down = update.bytes_down
    elif state.held is not None:
        down = bytes_down(federation, plan, state.held, state.parameters, state.sent)
    answered = np.zeros(federation.devices, bool)
    answered[update.devices] = True
    jobs = plan.jobs.at(answered[plan.jobs.device])
    trained = visits(jobs, batch)
    forward = macs_per_visit(network, ())
    up = bytes_up(network, plan, jobs) if update.bytes_up is None else update.bytes_up
    macs = forward * int(trained.sum())
    for layer in range(network.depth):
        own = jobs.of_layer(layer)
        macs += (macs_per_visit(network, (layer,)) - forward) * int(trained[own].sum())
    return Costs(down, up, macs)


def calibration_costs(network: Network, devices: int) -> Costs:
    """Sums and the sum of squares up, the centre down, once."""
    up = network.features * CALIBRATION_WORD + CALIBRATION_SQUARES
    return Costs(devices * network.features, devices * up, 0)


def evaluation_costs(
    network: Network, devices: int, model_bytes: int, scores: Collection[DeviceScore]
) -> Costs:
    """The model down to every device, a score up from those that have one.

    Args:
        network: what every device holds.
        devices: how many were asked.
        model_bytes: of the model as it is sent.
        scores: what came of it.
    """
    numbers = sum(2 + 2 * len(score.by_class) for score in scores)
    seen = sum(score.samples for score in scores)
    macs = seen * macs_per_visit(network, ())
    return Costs(devices * model_bytes, numbers * SCORE_WORD, macs)


def keep_costs(network: Network, devices: int) -> Costs:
    """The published model down to every device, once, for it to keep."""
    return Costs(devices * download_bytes(network), 0, 0)


def personal_costs(
    network: Network, visited: int, work: PersonalWork, scores: Collection[PersonalScore]
) -> Costs:
    """Three numbers up from every device that made personal rounds, from the model that it keeps.

    Args:
        network: what every device holds.
        visited: samples that a device trains on in a personal round, each epoch counted.
        work: what was asked.
        scores: what came of it.
    """
    trained = work.rounds * visited * macs_per_visit(network, work.layers)
    scored = 2 * sum(score.samples for score in scores) * macs_per_visit(network, ())
    return Costs(0, len(scores) * 3 * SCORE_WORD, len(scores) * trained + scored)
