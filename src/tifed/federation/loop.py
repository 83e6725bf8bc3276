"""THE loop: plan an exchange, hand it to a fleet, aggregate, next (SPEC, section 6)."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from tifed.errors import RunError
from tifed.federation.aggregation import ServerState, aggregate, initial_state
from tifed.federation.contributions import Contribution, contributions
from tifed.federation.costs import (
    Costs,
    calibration_costs,
    exchange_costs,
)
from tifed.federation.energy import chosen_shift, energy_around, is_the_recipes, started_by
from tifed.federation.federation import Federation
from tifed.federation.fleet import Fleet
from tifed.federation.residuals import Residuals
from tifed.federation.travel import sent_before
from tifed.rule.integer import Rounding, divide
from tifed.rule.integer.rounding import Integers
from tifed.rule.learning import Statistics
from tifed.rule.network import Parameters


@dataclass(frozen=True)
class RoundRecord:
    """What happened in one round.

    Attributes:
        round: its number, from 0.
        asked: int64 (n,), devices that were sent work, ascending.
        answered: int64 (n,), devices that sent an update, ascending.
        updates: per layer how many device updates were averaged, all exchanges together.
        statistics: counts over devices.
        costs: totals over devices.
        absent: why devices did not answer, as far as their fleet has said.
        contributions: what each update did, exchange by exchange, where the run has
            `Federation.robust` on; else none.
    """

    round: int
    asked: Integers
    answered: Integers
    updates: Mapping[int, int]
    statistics: Statistics
    costs: Costs
    absent: Mapping[int, str] = field(default_factory=dict)
    contributions: tuple[Contribution, ...] = ()


def begin(
    federation: Federation, fleet: Fleet, parameters: Parameters
) -> tuple[ServerState, Costs]:
    """The state before the first round, after the calibration round if the recipe has one.

    The centre of feature i is the mean of sample i over the first samples of every device, to the
    nearest integer: one number per feature, from integer sums; nothing else leaves a device but
    the sum of all squares, from which the input's energy around the centre follows.
    """
    own = is_the_recipes(federation, parameters)
    if not federation.calibration_samples:
        return _first_state(federation, parameters, own), Costs()
    sum_of_all = np.zeros(federation.network.features, np.int64)
    squares = samples = 0
    for sums in fleet.calibrate(range(federation.devices), federation.calibration_samples):
        sum_of_all += sums.total
        squares += sums.squares
        samples += sums.samples
    if samples == 0:
        raise RunError("calibration: no device answered, so the input has no centre")
    centre = divide(sum_of_all, samples, Rounding.NEAREST)
    energy = energy_around(centre, sum_of_all, squares, samples)
    parameters = replace(started_by(federation, parameters, energy), centre=centre.astype(np.int8))
    state = replace(
        _first_state(federation, parameters, own),
        energy=energy,
        energy_shift=chosen_shift(federation, energy),
    )
    return state, calibration_costs(federation.network, federation.devices)


def _first_state(federation: Federation, parameters: Parameters, own: bool) -> ServerState:
    """Before the first round, when no device has anything left of its changes.

    Devices have the parameters of exchange 0 if these are the recipe's ``own``, which they make
    themselves, and else none.
    """
    devices = federation.devices
    state = initial_state(federation.server, parameters, devices)
    if federation.download.layers:
        state = replace(state, held=np.full(devices, 0 if own else -1, np.int64))
    if federation.upload.residual:
        state = replace(state, residuals=Residuals.none(devices))
    return state


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
        asked, answered = np.zeros(0, np.int64), np.zeros(federation.devices, bool)
        absent: dict[int, str] = {}
        seen: tuple[Contribution, ...] = ()
        for unbounded in federation.plans(state):
            plan = federation.robust.bounded(federation.network, unbounded, state)
            plan = replace(plan, residuals=state.residuals)
            answers = fleet.fit(plan, state.parameters)
            if federation.robust.on:
                answers = list(answers)
            update = federation.robust.combine(plan, state.parameters, answers)
            if federation.robust.on:
                seen += contributions(plan, state.parameters, answers, update)
            asked = plan.jobs.device
            present = np.zeros(federation.devices, bool)
            present[update.devices] = True
            answered |= present
            absent.update(update.absent)
            costs += exchange_costs(federation, plan, state, update)
            sent = state.parameters
            state = federation.robust.after(plan, state, update)
            counts = np.count_nonzero(present) >= federation.minimum_devices
            if state.residuals is not None:
                counted = np.flatnonzero(present & counts)
                left = state.residuals.settled(plan, counted, update.residuals)
                state = replace(state, residuals=left)
            if counts:
                state = aggregate(federation.network, federation.server, state, update, plan)
                updates.update({layer: part.devices for layer, part in update.layers.items()})
            else:
                state = replace(state, exchange=state.exchange + 1)
            if state.held is not None:
                held = np.where(present, plan.exchange, state.held)
                state = replace(state, held=held)
                if federation.frame:
                    before = sent_before(federation, state.sent, plan.exchange, sent, held)
                    state = replace(state, sent=before)
            statistics += update.statistics
        state = federation.after_round(state)
        record = RoundRecord(
            number, asked, np.flatnonzero(answered), dict(updates), statistics, costs, absent, seen
        )
        yield state, record
