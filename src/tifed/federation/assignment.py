"""Which device trains which layers in which round."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tifed.errors import UsageError
from tifed.federation.plan import layers_of, mask_of
from tifed.rule.integer.rounding import Integers
from tifed.rule.network import Network
from tifed.rule.network.memory import device_memory


@dataclass(frozen=True)
class Assignment:
    """From devices and a round to the layers that the devices train.

    Attributes:
        masks: from device numbers int64 (n,) and a round to layers as bits, int64 (n,).
    """

    masks: Callable[[Integers, int], Integers]

    def __call__(self, device: int, number: int) -> tuple[int, ...]:
        """The layers of one device in round ``number``, ascending.

        >>> rotating(4, 2)(0, 1)
        (1,)
        """
        return layers_of(int(self.masks(np.array([device], np.int64), number)[0]))


def full_network(depth: int) -> Assignment:
    """Every device trains every layer."""
    everything = mask_of(range(depth))
    return Assignment(lambda device, number: np.full_like(device, everything))


def _one_layer_each(devices: int, depth: int) -> None:
    """Refuse a fleet in which some layer could have no device."""
    if depth > devices:
        raise UsageError(
            f"devices: {devices} devices cannot train {depth} layers in single-layer mode; "
            f"use at least {depth} devices, or fewer layers"
        )


def contiguous(devices: int, depth: int) -> Assignment:
    """Equal contiguous groups of devices, one per layer, the same in every round (the paper's)."""
    _one_layer_each(devices, depth)
    return Assignment(lambda device, number: 1 << device * depth // devices)


def alternating(devices: int, depth: int) -> Assignment:
    """Device d trains layer d mod depth, the same in every round."""
    _one_layer_each(devices, depth)
    return Assignment(lambda device, number: 1 << device % depth)


def rotating(devices: int, depth: int) -> Assignment:
    """Contiguous groups that move on by one layer every round.

    Every device's data reaches every layer, which matters when the devices' data differ.
    """
    _one_layer_each(devices, depth)
    return Assignment(lambda device, number: 1 << (device * depth // devices + number) % depth)


def rotating_quarter(devices: int, depth: int) -> Assignment:
    """Of two layers a quarter of the devices trains the last one, and every device in its turn.

    The last layer is small and learns from few devices; the first needs all that it can get. Other
    depths: as `rotating`.
    """
    if depth != 2:
        return rotating(devices, depth)
    _one_layer_each(devices, depth)
    last = max(1, devices // 4)
    return Assignment(lambda device, number: 1 + ((device + number * last) % devices < last))


def per_device(layers: Sequence[Sequence[int]], devices: int, depth: int) -> Assignment:
    """Device d trains ``layers[d]`` in every round.

    Raises:
        UsageError: if there is not one valid, non-empty list of layers for each device.
    """
    if len(layers) != devices:
        raise UsageError(
            f"device_layers: {len(layers)} lists for {devices} devices; give one for each"
        )
    chosen = []
    for device, numbers in enumerate(layers):
        if not numbers or any(not 0 <= number < depth for number in numbers):
            raise UsageError(
                f"device_layers: device {device} has {list(numbers)}; "
                f"name one or more of the layers 0..{depth - 1}"
            )
        chosen.append(mask_of(numbers))
    masks = np.array(chosen, np.int64)
    return Assignment(lambda device, number: masks[device])


def memory_aware(
    network: Network,
    budgets: Sequence[int],
    devices: int,
    buffer: int,
    batch: int,
    frozen_in_flash: bool,
) -> Assignment:
    """Each device trains all layers, or those that fit its RAM.

    A device too small for all starts at a layer that moves on every round, and adds the following
    ones (cyclically) while they fit, so that each layer that it can train gets its turn.

    Args:
        network: the shape.
        budgets: bytes of RAM; device d has ``budgets[d mod len(budgets)]``.
        devices: number of devices.
        buffer: samples a device keeps.
        batch: samples per mini-batch.
        frozen_in_flash: whether layers that a device does not train stay out of its RAM.

    Raises:
        UsageError: naming the first device in which no layer fits, and what it would need.
    """
    depth = network.depth
    if not budgets:
        raise UsageError("memory.budgets: name at least one number of bytes")

    def cost(layers: tuple[int, ...]) -> int:
        return device_memory(network, layers, buffer, batch, frozen_in_flash).total

    choices: dict[int, list[int]] = {}
    for device in range(min(devices, len(budgets))):
        budget = budgets[device]
        if budget in choices:
            continue
        alone = [layer for layer in range(depth) if cost((layer,)) <= budget]
        if not alone:
            raise UsageError(
                f"memory.budgets: no layer fits the {budget} bytes of device {device}; the "
                f"smallest needs {min(cost((layer,)) for layer in range(depth))} bytes "
                "(a smaller buffer or mini-batch, or frozen_in = 'flash', needs less)"
            )
        choices[budget] = [mask_of(_fitting(first, depth, budget, cost)) for first in alone]
    # Devices of the last budgets may be missing: only those of the others are ever looked up.
    own = [choices[budget] for budget in budgets[:devices]]
    counts = np.array([len(sets) for sets in own], np.int64)
    table = np.array([(sets * depth)[:depth] for sets in own], np.int64)

    def masks(device: Integers, number: int) -> Integers:
        budget = device % len(budgets)
        chosen: Integers = table[budget, (device + number) % counts[budget]]
        return chosen

    return Assignment(masks)


def _fitting(
    first: int, depth: int, budget: int, cost: Callable[[tuple[int, ...]], int]
) -> tuple[int, ...]:
    """``first`` and each layer after it, cyclically, that still fits."""
    layers: tuple[int, ...] = (first,)
    for step in range(1, depth):
        more = tuple(sorted((*layers, (first + step) % depth)))
        if cost(more) <= budget:
            layers = more
    return layers
