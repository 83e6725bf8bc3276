"""How a server keeps single devices from moving the model at will (SPEC, section 23)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from tifed.errors import RunError
from tifed.federation.aggregation import ServerState
from tifed.federation.plan import Plan
from tifed.federation.update import LayerSum, Update, total
from tifed.rule.compression.shifts import usual_shift
from tifed.rule.integer.rounding import Integers
from tifed.rule.learning import LARGEST_CLIP, norm_of
from tifed.rule.network import Network, Parameters

WINDOW = 3
"""Exchanges whose norms decide the next bound."""

FAR = 10
"""A device is far out in an exchange if its norm is more than so many times the usual one."""

Aggregate = Literal["mean", "median", "trimmed"]


@dataclass(frozen=True)
class Robust:
    """What an experiment asks for.

    Attributes:
        clip: the bound on a device's norm in a layer, as hundredths of the usual one; 0 for none.
        aggregate: the mean by samples, or the median or trimmed mean of each coordinate.
        trim: trimmed mean: millionths of the devices that are left out at either end.
    """

    clip: int = 0
    aggregate: Aggregate = "mean"
    trim: int = 200_000

    @property
    def on(self) -> bool:
        """Whether anything is asked for."""
        return self.clip > 0 or self.aggregate != "mean"

    def bounded(self, network: Network, plan: Plan, state: ServerState) -> Plan:
        """``plan`` with a bound for each layer, from the norms of exchanges before it.

        Where none is known yet, what is usual follows from the learning rule.
        """
        if not self.clip:
            return plan
        clips = {}
        for layer in range(network.depth):
            known = state.norms[state.norms[:, 0] == layer, 1]
            usual = _lower_median(known) if len(known) else _usual_by_rule(network, plan, layer)
            clips[layer] = min(max(usual * self.clip // 100, 1), LARGEST_CLIP)
        return replace(plan, clips=clips)

    def after(self, plan: Plan, state: ServerState, update: Update) -> ServerState:
        """``state`` with what is usual in ``update``, layer by layer."""
        if not self.clip or not len(update.norms):
            return state
        rows = state.norms
        far = np.zeros_like(state.turns) if state.far is None else state.far.copy()
        far[far_out(plan, update)] += 1
        for layer, usual in _usual(plan, update).items():
            row = np.array([[layer, usual]], np.int64)
            known = np.flatnonzero(rows[:, 0] == layer)
            if len(known) == WINDOW:
                rows = np.delete(rows, known[0], axis=0)
            rows = np.concatenate([rows, row])
        return replace(state, norms=rows, far=far)

    def combine(self, plan: Plan, sent: Parameters, updates: Iterable[Update]) -> Update:
        """All updates of ``plan``, which began with ``sent``, as one.

        What comes from a place that has not held its devices to their bounds is held to the sum of
        them here: no honest sum is further away than that.

        Raises:
            RunError: if a coordinate's order is asked for, and an update is of several devices.
        """
        if self.clip:
            updates = (held(plan, sent, update) for update in updates)
        if self.aggregate == "mean":
            return total(updates)
        single = list(updates)
        if any(part.devices > 1 for update in single for part in update.layers.values()):
            raise RunError(
                f"robust.aggregate: {self.aggregate!r} needs each device's own update, and the "
                "fleet gives sums over several devices"
            )
        numbers = sorted({number for update in single for number in update.layers})
        layers = {
            number: self._middle([u.layers[number] for u in single if number in u.layers])
            for number in numbers
        }
        return replace(total(replace(u, layers={}) for u in single), layers=layers)

    def _middle(self, parts: list[LayerSum]) -> LayerSum:
        """One layer of each device as the sum of what is kept of each coordinate."""
        count = len(parts)
        left_out = (count - 1) // 2
        if self.aggregate == "trimmed":
            left_out = min(count * self.trim // 1_000_000, left_out)

        def kept(arrays: list[Integers]) -> Integers:
            ordered = np.sort(np.stack(arrays), axis=0)
            inner: Integers = ordered[left_out : count - left_out].sum(axis=0)
            return inner

        return LayerSum(
            kept([part.weight // part.samples for part in parts]),
            kept([part.bias // part.samples for part in parts]),
            count - 2 * left_out,
            count,
        )


def _lower_median(values: Integers) -> int:
    """The middle value, the lower of two."""
    return int(np.sort(values)[(len(values) - 1) // 2])


def _usual(plan: Plan, update: Update) -> dict[int, int]:
    """Per layer the usual norm of the devices that trained it; nothing of a layer without any."""
    jobs = plan.jobs.for_devices(np.sort(update.devices))
    norms = update.norms[np.argsort(update.devices)]
    return {
        layer: _lower_median(norms[trained, layer])
        for layer in range(norms.shape[1])
        if (trained := jobs.of_layer(layer)).any()
    }


def _usual_by_rule(network: Network, plan: Plan, layer: int) -> int:
    """What is usual in ``layer`` in a first exchange, to within a factor of eight or so.

    The root mean square of what devices change is then about a ternary step of the middle of a run.
    """
    change = usual_shift(network, layer, 1, int(plan.jobs.steps.max(initial=1)), plan.extra_shift)
    if layer == 0:
        change = max(0, change - (plan.energy_shift >> 1))
    size = network.layers[layer]
    return norm_of(size.fan_in * size.fan_out << 2 * change)


def far_out(plan: Plan, update: Update) -> Integers:
    """Devices, ascending, that are far out in the exchange that ``update`` is the whole of."""
    if not len(update.norms):
        return np.zeros(0, np.int64)
    devices, norms = np.sort(update.devices), update.norms[np.argsort(update.devices)]
    jobs = plan.jobs.for_devices(devices)
    far = np.zeros(len(devices), bool)
    for layer, usual in _usual(plan, update).items():
        far |= jobs.of_layer(layer) & (norms[:, layer] > FAR * max(usual, 1))
    return devices[far]


def differences(sent: Parameters, update: Update) -> dict[int, list[Integers]]:
    """Per layer the sums of weights and of biases less their samples times what was sent."""
    return {
        number: [
            total - part.samples * before.astype(np.int64)
            for total, before in (
                (part.weight, sent.weights[number]), (part.bias, sent.biases[number]),
            )
        ]
        for number, part in update.layers.items()
    }  # fmt: skip


def held(plan: Plan, sent: Parameters, update: Update) -> Update:
    """``update`` no further from ``sent`` than its devices' bounds, times their samples, allow.

    What rounding adds to a difference on its way up is on top of its device's bound.

    In each layer, with E the sums less samples times ``sent``, B the bound times the samples and N
    the norm of E, each entry of E becomes ``sign(E) * (|E| * B // N)`` if N > B.
    """
    shrunk = {}
    for number, pair in differences(sent, update).items():
        part = update.layers[number]
        bound = (plan.clips.get(number, LARGEST_CLIP) + plan.rounding(sent, number)) * part.samples
        norm = norm_of(sum(dot(E, E) for E in pair))
        if norm <= bound:
            continue
        less = [
            (np.sign(E) * (np.abs(E).astype(object) * bound // norm)).astype(np.int64) for E in pair
        ]
        shrunk[number] = replace(
            part,
            weight=part.samples * sent.weights[number].astype(np.int64) + less[0],
            bias=part.samples * sent.biases[number].astype(np.int64) + less[1],
        )
    return replace(update, layers={**update.layers, **shrunk}) if shrunk else update


def dot(a: Integers, b: Integers) -> int:
    """The sum of all products, exactly, however large."""
    if _largest(a) * _largest(b) * a.size < 1 << 63:
        return int(np.vdot(a, b))
    return sum(x * y for x, y in zip(a.ravel().tolist(), b.ravel().tolist(), strict=True))


def _largest(values: Integers) -> int:
    """The largest absolute value."""
    return max(int(values.max(initial=0)), -int(values.min(initial=0)))
