"""What training some layers costs a device in RAM (SPEC, section 10)."""

from dataclasses import dataclass, fields

from tifed.network.network import Network


@dataclass(frozen=True)
class DeviceMemory:
    """Bytes of RAM, part by part.

    Attributes:
        weights: weights and biases that are held in RAM.
        buffer: samples, labels and the input's centre.
        activations: inputs of the trained layers above the first, for one mini-batch.
        deltas: deltas of the trained layers, for one mini-batch.
        scratch: one sample's way through the network.
    """

    weights: int
    buffer: int
    activations: int
    deltas: int
    scratch: int

    @property
    def total(self) -> int:
        """Sum of all parts."""
        return sum(getattr(self, field.name) for field in fields(self))


def layer_bytes(network: Network, layer: int) -> int:
    """Weights and biases of one layer, in bytes; what it costs to send it, too."""
    it = network.layers[layer]
    return it.fan_in * it.fan_out * it.weight_bits // 8 + it.fan_out * it.bias_bits // 8


def device_memory(
    network: Network,
    layers: tuple[int, ...],
    buffer: int,
    batch: int,
    frozen_in_flash: bool = False,
) -> DeviceMemory:
    """RAM of a device that trains ``layers``.

    Args:
        network: the shape.
        layers: numbers of the trained layers.
        buffer: samples the device keeps.
        batch: samples per mini-batch.
        frozen_in_flash: whether layers that are not trained stay out of RAM.
    """
    held = layers if frozen_in_flash else range(network.depth)
    widest = max(network.shape[1:])
    return DeviceMemory(
        weights=sum(layer_bytes(network, layer) for layer in held),
        buffer=buffer * (network.features + 2) + network.features * network.centred,
        activations=batch * sum(2 * network.layers[layer].fan_in for layer in layers if layer),
        deltas=batch * sum(2 * network.layers[layer].fan_out for layer in layers),
        scratch=2 * 4 * widest,
    )
