"""What each update did in an exchange: how far it moved the model, and in whose direction."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

import numpy as np

from tifed.federation.plan import Plan
from tifed.federation.robust import differences, dot, far_out
from tifed.federation.update import Update
from tifed.rule.integer import isqrt
from tifed.rule.integer.rounding import Integers
from tifed.rule.learning import norm_of
from tifed.rule.network import Parameters


@dataclass(frozen=True)
class Contribution:
    """One update, as it came to the server.

    Its difference is that of the mean of its devices by samples from what was sent.

    Attributes:
        exchange: its number, from 0.
        device: the first of its devices.
        devices: how many they are.
        norm: L2 norm of the difference, rounded up.
        told: largest norm over all layers that its devices had before they were clipped; None if
            none was told.
        cosine: thousandths, rounded toward 0: of the angle between the difference and that of what
            the server has made of all updates, over the layers that this one has; None if either
            is 0.
        clipped: of how many of its devices the norm was above the bound in some layer; None if none
            was told.
        far_out: how many of its devices are far out; None if no norm was told.
    """

    exchange: int
    device: int
    devices: int
    norm: int
    told: int | None
    cosine: int | None
    clipped: int | None
    far_out: int | None


def contributions(
    plan: Plan, sent: Parameters, updates: Iterable[Update], combined: Update
) -> tuple[Contribution, ...]:
    """What each of ``updates`` that has parameters did, by its first device.

    Args:
        plan: of the exchange, with its bounds.
        sent: what devices began with.
        updates: all that came.
        combined: what `Robust.combine` has made of them.
    """
    far = far_out(plan, combined)
    made = _mean_of(sent, combined)
    squares = {number: _product(D, D) for number, D in made.items()}
    found = []
    for update in updates:
        if not update.layers:
            continue
        mean = _mean_of(sent, update)
        own = sum((_product(D, D) for D in mean.values()), Fraction(0))
        others = sum((squares[number] for number in mean), Fraction(0))
        shared = sum((_product(D, made[number]) for number, D in mean.items()), Fraction(0))
        cosine = None
        if own and others:
            size = isqrt(int(1_000_000 * shared * shared / (own * others)))
            cosine = -size if shared < 0 else size
        devices = np.sort(update.devices)
        told = len(update.norms) > 0
        norms = update.norms
        bounds = np.array(plan.layer_bounds(norms.shape[1]))
        found.append(
            Contribution(
                exchange=plan.exchange,
                device=int(devices[0]),
                devices=len(devices),
                norm=norm_of(ceil(own)),
                told=max(map(_whole, norms.tolist())) if told else None,
                cosine=cosine,
                clipped=int((norms > bounds).any(axis=1).sum()) if told else None,
                far_out=int(np.isin(devices, far).sum()) if told else None,
            )
        )
    return tuple(sorted(found, key=lambda one: one.device))


_LayerMean = tuple[Sequence[Integers], int]
"""Sums of differences of weights and biases, and the samples that divide them."""


def _whole(norms: Iterable[int]) -> int:
    """The norm of what a device has changed in all layers, from that in each."""
    return norm_of(sum(norm * norm for norm in norms))


def _mean_of(sent: Parameters, update: Update) -> dict[int, _LayerMean]:
    """Per layer the mean difference of ``update`` from ``sent``."""
    return {
        number: (pair, update.layers[number].samples)
        for number, pair in differences(sent, update).items()
    }


def _product(one: _LayerMean, other: _LayerMean) -> Fraction:
    """The dot product of two means, exactly."""
    total = sum(dot(a, b) for a, b in zip(one[0], other[0], strict=True))
    return Fraction(total, one[1] * other[1])
