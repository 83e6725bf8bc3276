"""How many bytes parameters take on their way as short numbers (SPEC, section 25.6)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from tifed.federation.plan import Jobs, Plan
from tifed.native.coder import coded_length
from tifed.rule.compression import Change
from tifed.rule.compression.coder import START, bits_of
from tifed.rule.compression.packing import LARGEST, packed_size, width_of
from tifed.rule.integer.rounding import Integers
from tifed.rule.network import Layer, Network, Parameters, Tensor

if TYPE_CHECKING:
    from tifed.federation.federation import Federation

SentBefore = Mapping[int, Mapping[int, Tensor]]
"""By exchange, weights that went down in it, per layer."""


def bytes_of(layer: Layer, largest: int, rows: int) -> int:
    """Bytes of ``rows`` rows of a layer's weights, and of its biases, which travel whole.

    Args:
        layer: whose.
        largest: magnitude that a number of a weight can have; 0 for weights that travel whole, as
            they do if no width has such numbers, or none is shorter.
        rows: of fan-in, that travel.
    """
    count = rows * layer.fan_out
    weights = count * layer.weight_bits // 8
    if 0 < largest <= LARGEST:
        weights = min(weights, packed_size(count, largest))
    return weights + layer.fan_out * layer.bias_bits // 8


def bytes_up(network: Network, plan: Plan, jobs: Jobs, coded: int | None = None) -> int:
    """What the devices of ``jobs``, which are some of the plan's, send.

    Args:
        network: what they hold.
        plan: of the exchange.
        jobs: theirs.
        coded: bytes of all their short numbers, if these are coded; None if they are packed.
    """
    total = coded or 0
    for number, layer in enumerate(network.layers):
        change = plan.upload[number] if plan.upload else Change(0)
        devices, every = jobs.device[jobs.of_layer(number)], np.arange(layer.fan_in)
        for place in range(change.rows):
            alike = int(np.count_nonzero(devices % change.rows == place))
            up = int(np.count_nonzero(change.goes_up(every, place, plan.round)))
            rows = 0 if change.top and coded is not None else up
            total += alike * bytes_of(layer, change.top, rows)
    return total


def bytes_down(
    federation: "Federation", plan: Plan, held: Integers, sent: Parameters, before: SentBefore
) -> int:
    """What the devices of ``plan`` are sent.

    Args:
        federation: the run's constants.
        plan: of the exchange.
        held: int64 (devices,), per device the exchange whose parameters it has, -1 for none; all
            that has changed since then is added up for it.
        sent: what they are to have.
        before: with a coder, what was sent in exchanges before, as `sent_before` says.
    """
    last, counts = np.unique(held[plan.jobs.device], return_counts=True)
    each = [
        _bytes_since(federation, plan, exchange, sent, before.get(exchange, {}))
        for exchange in last.tolist()
    ]
    return int(counts @ np.array(each, np.int64))


def sent_before(
    federation: "Federation", before: SentBefore, exchange: int, sent: Parameters, held: Integers
) -> SentBefore:
    """What is needed to code what goes down after ``exchange``, in which ``sent`` went down.

    Args:
        federation: the run's constants.
        before: the same of exchanges before it.
        exchange: its number.
        sent: weights and all.
        held: int64 (devices,), per device the exchange whose parameters it has now.

    Returns:
        By exchange, of each layer that goes down short the weights that some device has.
    """
    layers = [number for number, change in enumerate(federation.download.layers) if change.top]
    known = {**before, exchange: {number: sent.weights[number] for number in layers}}
    oldest = exchange + 1 - LARGEST
    return {one: known[one] for one in np.unique(held).tolist() if one >= max(oldest, 0)}


def _bytes_since(
    federation: "Federation",
    plan: Plan,
    exchange: int,
    sent: Parameters,
    there: Mapping[int, Tensor],
) -> int:
    """What a device is sent that has the parameters of ``exchange``, with weights ``there``."""
    if exchange == plan.exchange:
        return sum(bytes_of(layer, 0, 0) for layer in federation.network.layers)
    missed = _missed(federation, plan, exchange)
    total = 0
    for number, layer in enumerate(federation.network.layers):
        changes = [changes[number] for changes in missed]
        finest = min((change.shift for change in changes), default=0)
        largest = sum(change.top << change.shift - finest for change in changes)
        packed = bytes_of(layer, largest, layer.fan_in)
        if number in there and 0 < largest <= LARGEST:
            q = (sent.weights[number].astype(np.int64) - there[number]).ravel() >> finest
            bits = bits_of(width_of(largest))
            coded, _ = coded_length(q, bits, START, federation.frame)
            packed = min(packed, bytes_of(layer, 0, 0) + coded)
        total += packed
    return total


def _missed(federation: "Federation", plan: Plan, exchange: int) -> list[tuple[Change, ...]]:
    """How weights went down after each exchange since ``exchange``.

    Nothing if the device has nothing, or so much is new that no short number holds the sum.
    """
    if exchange < 0 or plan.exchange - exchange > LARGEST or not federation.download.layers:
        return []
    rounds = (number // federation.exchanges_per_round for number in range(exchange, plan.exchange))
    return [federation.download_in(number, plan.energy_shift) for number in rounds]
