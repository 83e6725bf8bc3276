"""How far a weight has moved, as a short number: the rule of SPEC section 25, executable."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tifed.errors import UsageError
from tifed.rule.compression.residual import RESIDUAL_TOP, unit_for, with_residual
from tifed.rule.integer import (
    Key,
    Purpose,
    Rounding,
    divide,
    random16,
    saturate,
    shift_right,
    stream_key,
)
from tifed.rule.integer.rounding import Integers
from tifed.rule.network import Parameters, Tensor

LARGEST_SHIFT = 14
LARGEST_ROWS = 16


@dataclass(frozen=True, slots=True)
class Change:
    """How the weights of one layer travel: as ``q = clamp(difference >> shift, -top, top)``.

    Attributes:
        top: largest magnitude of q: 1 is ternary, 7 four bits, 127 eight bits; with 0 the weights
            travel whole, as without compression.
        shift: bits that a difference loses, 0..14.
        rows: every so many-th pair of a device's rows goes up in a round, 1..16; up only.
        unit: devices keep what was too small to go up, in units of 2 to this power, 0..7; None if
            they keep nothing, and round at random. Only with short numbers, and ``rows`` = 1.

    Raises:
        UsageError: naming the value that is out of range.
    """

    top: int
    shift: int = 0
    rows: int = 1
    unit: int | None = None

    def __post_init__(self) -> None:
        for name, value, least, most in (
            ("top", self.top, 0, 127),
            ("shift", self.shift, 0, LARGEST_SHIFT),
            ("rows", self.rows, 1, LARGEST_ROWS),
            ("unit", self.unit or 0, 0, unit_for(LARGEST_SHIFT)),
        ):
            if not least <= value <= most:
                raise UsageError(f"{name}: {value} is not in {least}..{most}")
        if self.unit is not None and (self.top == 0 or self.rows > 1):
            raise UsageError(f"unit: {self.unit} with top = {self.top} and rows = {self.rows}")

    def goes_up(self, row: Integers, device: Integers | int, number: int) -> NDArray[np.bool_]:
        """Whether rows (of fan-in) of devices go up in round ``number``; arrays broadcast."""
        up: NDArray[np.bool_] = (row // 2 + device + number) % self.rows == 0
        return up

    def finer(self, bits: int) -> "Change":
        """The same with a shift that is smaller by ``bits``, within its range."""
        return replace(self, shift=min(max(self.shift - bits, 0), LARGEST_SHIFT))

    def reach(self, bound: int) -> int:
        """The largest magnitude of what stands for a weight whose own is at most ``bound``."""
        return bound + self.beyond if self.top else bound

    @property
    def beyond(self) -> int:
        """How much larger than a layer's bound what stands for its weights can be."""
        return (1 << self.shift) - 1 if self.unit is None else RESIDUAL_TOP << self.unit


@dataclass(frozen=True, slots=True)
class Changes:
    """How weights travel in one direction in every exchange of a run.

    Attributes:
        layers: per layer how in the first round, with an energy shift of 0; () if all travel whole.
        by_energy: whether the first layer's shift follows the input's energy.
        residual: whether devices keep what was too small to go up; up only.
    """

    layers: tuple[Change, ...] = ()
    by_energy: bool = False
    residual: bool = False

    def at(self, risen: int, energy_shift: int) -> tuple[Change, ...]:
        """Per layer how in a round whose update shifts are ``risen`` above the first round's.

        A step that is smaller by a bit makes changes smaller by a bit. A bit of energy shift stands
        for twice the energy, and so for gradients that are longer by half a bit: it makes changes
        smaller by the other half.

        >>> first, last = Changes((Change(1, 5), Change(127)), by_energy=True).at(1, -3)
        >>> first.shift, last.shift
        (6, 0)
        """
        faint = energy_shift >> 1 if self.by_energy else 0
        return tuple(
            change.finer(risen if number else risen + faint)
            for number, change in enumerate(self.layers)
        )

    def up(self, risen: int, energy_shift: int, least: int) -> tuple[Change, ...]:
        """The same with the unit of what devices keep, if they keep anything.

        A residual outlives its round, so its unit is one for the whole run: that of the largest
        shift, with which update shifts are ``least`` above the first round's.
        """
        now = self.at(risen, energy_shift)
        if not self.residual:
            return now
        return tuple(
            replace(change, unit=unit_for(coarsest.shift)) if change.top else change
            for change, coarsest in zip(now, self.at(least, energy_shift), strict=True)
        )


def rounding_key(seed: int, device: int, exchange: int, steps: int, layer: int) -> Key:
    """The stream that rounds what ``device`` sends of ``layer``.

    ``steps`` is the number of the step after the last of the exchange, which none uses.
    """
    return stream_key(seed, Purpose.ROUNDING, device, exchange, steps, layer)


def quantised(sent: Tensor, trained: Tensor, change: Change, key: Key) -> Integers:
    """The short number of each weight, int64 (fan_in, fan_out), up to ``change.top`` in magnitude.

    Args:
        sent: what the device was sent, (fan_in, fan_out).
        trained: what it has made of that.
        change: how it goes up; its ``top`` is not 0, and its ``rows`` do not matter here.
        key: from `rounding_key`; weight p, row by row, takes half p of it, as a step does.
    """
    difference = trained.astype(np.int64) - sent
    halves = random16(key, np.arange(sent.size)).reshape(sent.shape)
    q, _ = saturate(shift_right(difference, change.shift, Rounding.STOCHASTIC, halves), change.top)
    return q


def rebuilt(sent: Tensor, q: Integers, change: Change) -> Integers:
    """What stands for the weights of a device that sent ``q``: int64 (fan_in, fan_out)."""
    return sent + (q << change.shift)


def shortened(
    sent: Parameters,
    trained: Parameters,
    layers: tuple[int, ...],
    upload: tuple[Change, ...],
    *,
    seed: int,
    device: int,
    exchange: int,
    steps: int,
    number: int,
    residuals: Mapping[int, NDArray[np.int8]] | None = None,
) -> tuple[Parameters, dict[int, NDArray[np.int8]]]:
    """What stands for one device's parameters after they have gone up as short numbers.

    Args:
        sent: what the device was sent.
        trained: what it has made of that, clipped if there is a bound.
        layers: those that it trained; the others are not looked at.
        upload: per layer of the network how its weights go up.
        seed: of the experiment.
        device: logical number of the device.
        exchange: number of the exchange.
        steps: number of the step after the last of the exchange.
        number: of the round, which says which rows go up.
        residuals: per layer int8 (fan_in, fan_out) what the device had left of changes before,
            where they are kept; 0 for layers that are not there.

    Returns:
        Weights int64, up to `Change.reach` of their bound, of which rows that do not go up are 0,
        and biases as they were; and what the device has left now, of every layer of which it keeps
        something, trained or not.
    """
    weights, before = list(trained.weights), residuals or {}
    left = {
        layer: before.get(layer, np.zeros(sent.weights[layer].shape, np.int8))
        for layer, change in enumerate(upload)
        if change.unit is not None
    }
    for layer in layers:
        change, W, X = upload[layer], trained.weights[layer].astype(np.int64), sent.weights[layer]
        if change.unit is not None:
            q, left[layer] = with_residual(X, W, left[layer], change)
            W = rebuilt(X, q, change)
        elif change.top:
            key = rounding_key(seed, device, exchange, steps, layer)
            W = rebuilt(X, quantised(X, W, change, key), change)
        rows = np.arange(len(W), dtype=np.int64)
        weights[layer] = W * change.goes_up(rows, device, number)[:, np.newaxis]
    return Parameters(trained.centre, tuple(weights), trained.biases), left


def sent_down(
    own: Integers, sent: Tensor, change: Change, fraction_bits: int, bound: int
) -> Tensor:
    """What devices have after the server has sent them what changed, in the type of ``sent``.

    Args:
        own: the server's copy, int64 (fan_in, fan_out), with ``fraction_bits`` after the point.
        sent: what devices have now, up to ``bound``.
        change: how it goes down; its ``top`` is not 0.
        fraction_bits: as of `own`.
        bound: the layer's weight bound, which no weight of a device passes: q is the nearest to
            the wanted one with which none does.
    """
    away = own - (sent.astype(np.int64) << fraction_bits)
    q, _ = saturate(divide(away, 1 << change.shift + fraction_bits, Rounding.NEAREST), change.top)
    room = (bound - np.sign(q) * sent) >> change.shift
    q = np.sign(q) * np.minimum(np.abs(q), room)
    return rebuilt(sent, q, change).astype(sent.dtype)
