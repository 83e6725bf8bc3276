"""THE loop: plan an exchange, hand it to a fleet, aggregate, next (SPEC, section 6)."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from tifed.errors import RunError
from tifed.federation.aggregation import ServerState, aggregate, initial_state
from tifed.federation.costs import (
    Costs,
    calibration_costs,
    download_bytes,
    macs_per_visit,
    upload_bytes,
    visits,
)
from tifed.federation.federation import Federation
from tifed.federation.fleet import Fleet
from tifed.federation.plan import Plan
from tifed.federation.update import Update
from tifed.integer import Rounding, divide
from tifed.learning import Statistics
from tifed.network import Parameters


@dataclass(frozen=True)
class RoundRecord:
    """What happened in one round.

    Attributes:
        round: its number, from 0.
        asked: devices that were sent work.
        answered: devices that sent an update.
        updates: per layer how many device updates were averaged, all exchanges together.
        statistics: counts over devices.
        costs: totals over devices.
    """

    round: int
    asked: tuple[int, ...]
    answered: tuple[int, ...]
    updates: Mapping[int, int]
    statistics: Statistics
    costs: Costs


def begin(
    federation: Federation, fleet: Fleet, parameters: Parameters
) -> tuple[ServerState, Costs]:
    """The state before the first round, after the calibration round if the recipe has one.

    The centre of feature i is the mean of sample i over the first samples of every device, to the
    nearest integer: one number per feature, from integer sums; nothing else leaves a device.
    """
    costs = Costs()
    if federation.calibration_samples:
        devices = range(federation.devices)
        total = np.zeros(federation.network.features, np.int64)
        samples = 0
        for sums in fleet.calibrate(devices, federation.calibration_samples):
            total = total + sums.total
            samples += sums.samples
        if samples == 0:
            raise RunError("calibration: no device answered, so the input has no centre")
        centre = divide(total, samples, Rounding.NEAREST).astype(np.int8)
        parameters = replace(parameters, centre=centre)
        costs = calibration_costs(federation.network, federation.devices)
    return initial_state(federation.server, parameters, federation.devices), costs


def federate(
    federation: Federation, fleet: Fleet, state: ServerState
) -> Iterator[tuple[ServerState, RoundRecord]]:
    """Run the rounds that come after ``state``, one per item.

    Args:
        federation: the run's constants.
        fleet: who does the local work.
        state: from `begin`, or of an earlier run that stopped; the rounds that follow are the same.

    Yields:
        The state after each round and what happened in it.
    """
    while state.round < federation.rounds:
        number = state.round
        costs, statistics, updates = Costs(), Statistics(), Counter[int]()
        asked: tuple[int, ...] = ()
        answered: set[int] = set()
        for plan in federation.plans(state):
            update = sum(fleet.fit(plan, state.parameters), Update())
            asked = tuple(job.device for job in plan.jobs)
            present = set(update.devices)
            answered |= present
            if len(present) >= federation.minimum_devices:
                state = aggregate(federation.network, federation.server, state, update)
                updates.update({layer: part.devices for layer, part in update.layers.items()})
            else:
                state = replace(state, exchange=state.exchange + 1)
            costs += exchange_costs(federation, plan, present)
            statistics += update.statistics
        state = federation.after_round(state)
        record = RoundRecord(
            number, asked, tuple(sorted(answered)), dict(updates), statistics, costs
        )
        yield state, record


def exchange_costs(federation: Federation, plan: Plan, answered: set[int]) -> Costs:
    """What an exchange cost: every device asked was sent parameters, those who answered worked."""
    network = federation.network
    up = macs = 0
    for job in plan.jobs:
        if job.device in answered:
            up += upload_bytes(network, job.layers)
            macs += visits(job, federation.batch) * macs_per_visit(network, job.layers)
    return Costs(len(plan.jobs) * download_bytes(network), up, macs)
