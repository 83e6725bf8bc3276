"""What the float baseline would cost a device: float32 on the wire, multiply-accumulates."""

from itertools import pairwise

from tifed.baselines.float_fedavg import Carrier
from tifed.federation import Costs, Plan
from tifed.federation.costs import visits

WORD = 4
"""Bytes of a float32."""


def exchange_costs(
    shape: tuple[int, ...], carrier: Carrier, plan: Plan, answered: set[int], batch: int
) -> Costs:
    """Totals over devices: every device asked was sent all layers, those who answered worked."""
    layer_bytes = [WORD * (fan_in + 1) * fan_out for fan_in, fan_out in pairwise(shape)]
    up = macs = 0
    for job, trained in zip(plan.jobs, visits(plan.jobs, batch).tolist(), strict=True):
        if job.device in answered:
            up += sum(layer_bytes[layer] for layer in job.layers)
            macs += trained * macs_per_visit(shape, carrier, job.layers)
    return Costs(len(plan.jobs) * sum(layer_bytes), up, macs)


def macs_per_visit(shape: tuple[int, ...], carrier: Carrier, layers: tuple[int, ...]) -> int:
    """Multiply-accumulates of one sample: forward, the error's way back, the trained updates.

    Backpropagation carries the error down to the lowest trained layer; DFA takes it straight from
    the output to each trained hidden layer.

    >>> macs_per_visit((4, 3, 2), Carrier.BACKPROPAGATION, (1,))
    24
    >>> macs_per_visit((4, 3, 2), Carrier.BACKPROPAGATION, (0, 1))
    42
    """
    products = [fan_in * fan_out for fan_in, fan_out in pairwise(shape)]
    if carrier is Carrier.BACKPROPAGATION:
        back = sum(products[min(layers) + 1 :])
    else:
        back = sum(shape[-1] * shape[layer + 1] for layer in layers if layer < len(products) - 1)
    return sum(products) + back + sum(products[layer] for layer in layers)


def calibration_costs(features: int, devices: int) -> Costs:
    """Float32 feature means up and the float32 centre down, once."""
    return Costs(devices * features * WORD, devices * features * WORD, 0)
