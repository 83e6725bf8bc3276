"""What training some layers costs a device in RAM: the C core's own layout (SPEC, section 10)."""

from collections.abc import Collection
from dataclasses import dataclass, fields

from tifed.rule.network.network import Network

LAYER_STATE = 24
"""Bytes of bookkeeping per layer on a 32-bit device."""


@dataclass(frozen=True)
class DeviceMemory:
    """Bytes of RAM that the core asks for, part by part; stack and firmware are not in it.

    Attributes:
        weights: weights and biases that are held in RAM.
        buffer: samples and labels.
        activations: inputs of the trained layers above the first, for one mini-batch.
        deltas: deltas of the trained layers, for one mini-batch.
        scratch: the input's centre, one sample's way through the network, bookkeeping.
        received: the trained layers' parameters as they arrived, which short updates are made from.
        residuals: what of the changes of weights was too small to go up.
    """

    weights: int
    buffer: int
    activations: int
    deltas: int
    scratch: int
    received: int = 0
    residuals: int = 0

    @property
    def total(self) -> int:
        """Sum of all parts."""
        return sum(getattr(self, field.name) for field in fields(self))


def layer_bytes(network: Network, number: int) -> int:
    """Weights and biases of one layer, in bytes; what it costs to send it, too."""
    layer = network.layers[number]
    return (
        layer.fan_in * layer.fan_out * layer.weight_bits // 8 + layer.fan_out * layer.bias_bits // 8
    )


def held_bytes(network: Network, number: int) -> int:
    """What a layer's parameters take in RAM: weights, then biases, each in whole words."""
    layer = network.layers[number]
    return _words(layer.fan_in * layer.fan_out * layer.weight_bits // 8) + _words(
        layer.fan_out * layer.bias_bits // 8
    )


def residual_bytes(network: Network, number: int) -> int:
    """What is left of a layer's changes takes in RAM (SPEC, section 25.8): a byte a weight."""
    layer = network.layers[number]
    return _words(layer.fan_in * layer.fan_out)


def device_memory(
    network: Network,
    layers: tuple[int, ...],
    buffer: int,
    batch: int,
    frozen_in_flash: bool = False,
    sourced: bool = False,
    received: bool = False,
    residuals: Collection[int] = (),
) -> DeviceMemory:
    """RAM of a device that trains ``layers``.

    Args:
        network: the shape.
        layers: numbers of the trained layers.
        buffer: samples the device keeps.
        batch: samples per mini-batch.
        frozen_in_flash: whether layers that are not trained stay out of RAM.
        sourced: whether samples come from a source, so that only a mini-batch of them is kept.
        received: whether the device keeps what it was given, for short updates.
        residuals: layers of which it keeps what was too small to go up, trained now or not.
    """
    held = layers if frozen_in_flash else range(network.depth)
    features, widest = network.features, max(network.shape[1:])
    pairs = (batch + 1) // 2  # deltas are kept for two samples together
    copies = int(network.centred) + int(network.centred or network.input_shift > 0)
    return DeviceMemory(
        weights=sum(held_bytes(network, layer) for layer in held),
        buffer=_words((min(buffer, batch) if sourced else buffer) * features) + _words(2 * buffer),
        activations=sum(
            _words(2 * batch * network.layers[layer].fan_in) for layer in layers if layer
        ),
        deltas=sum(4 * pairs * network.layers[layer].fan_out for layer in layers),
        scratch=LAYER_STATE * network.depth
        + copies * _words(features)
        + 4 * widest
        + 2 * _words(2 * widest)
        + (4 * pairs if layers else 0),
        received=sum(held_bytes(network, layer) for layer in layers) if received else 0,
        residuals=sum(residual_bytes(network, layer) for layer in residuals),
    )


def _words(count: int) -> int:
    """Bytes rounded up to whole 32-bit words."""
    return (count + 3) // 4 * 4
