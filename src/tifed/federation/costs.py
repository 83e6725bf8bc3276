"""What an exchange costs a device: bytes and multiply-accumulates."""

from dataclasses import dataclass

from tifed.federation.plan import Job
from tifed.network import Feedback, Network
from tifed.network.memory import layer_bytes

CALIBRATION_WORD = 4
"""Bytes of one feature's sum in the calibration round (int32)."""


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


def download_bytes(network: Network) -> int:
    """What a device receives per exchange: every layer, for the forward pass needs them all."""
    return sum(layer_bytes(network, layer) for layer in range(network.depth))


def upload_bytes(network: Network, layers: tuple[int, ...]) -> int:
    """What a device sends per exchange: the layers that it trained."""
    return sum(layer_bytes(network, layer) for layer in layers)


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


def visits(job: Job, batch: int) -> int:
    """Samples that the steps of ``job`` train on, each epoch counted."""
    sizes = [min(batch, job.samples - first) for first in range(0, job.samples, batch)]
    epochs, rest = divmod(job.steps, len(sizes))
    start = job.first_step % len(sizes)
    return epochs * job.samples + sum((sizes * 2)[start : start + rest])


def calibration_costs(network: Network, devices: int) -> Costs:
    """Sums up and the centre down, once."""
    return Costs(devices * network.features, devices * network.features * CALIBRATION_WORD, 0)
