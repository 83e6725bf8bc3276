"""What comes back from devices: integer sums that can be added in any order."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from tifed.rule.integer.rounding import Integers
from tifed.rule.learning import Statistics
from tifed.rule.network import Parameters


@dataclass(frozen=True)
class LayerSum:
    """One layer's parameters, each times its device's samples, summed over devices.

    Attributes:
        weight: int64 (fan_in, fan_out).
        bias: int64 (fan_out,).
        samples: sum of the devices' sample counts, which divides the sums.
        devices: how many devices are in it.
    """

    weight: Integers
    bias: Integers
    samples: int
    devices: int

    def __add__(self, other: "LayerSum") -> "LayerSum":
        """Sum over the devices of both."""
        return LayerSum(
            self.weight + other.weight,
            self.bias + other.bias,
            self.samples + other.samples,
            self.devices + other.devices,
        )


@dataclass(frozen=True)
class Update:
    """The work of one or more devices.

    Attributes:
        devices: int64 (n,), their numbers in any order.
        layers: sums per layer that at least one of them trained.
        statistics: counts over all of them.
        absent: devices that were asked and have not answered, where there is more to say than
            that: why.
    """

    devices: Integers = field(default_factory=lambda: np.zeros(0, np.int64))
    layers: Mapping[int, LayerSum] = field(default_factory=dict)
    statistics: Statistics = field(default_factory=Statistics)
    absent: Mapping[int, str] = field(default_factory=dict)


def total(updates: Iterable[Update]) -> Update:
    """Union of updates of different devices, added up as they come."""
    devices = [np.zeros(0, np.int64)]
    layers: dict[int, LayerSum] = {}
    statistics, absent = Statistics(), dict[int, str]()
    for update in updates:
        devices.append(update.devices)
        for number, part in update.layers.items():
            layers[number] = layers[number] + part if number in layers else part
        statistics += update.statistics
        absent.update(update.absent)
    return Update(np.concatenate(devices), layers, statistics, absent)


def device_update(
    device: int,
    parameters: Parameters,
    layers: tuple[int, ...],
    samples: int,
    statistics: Statistics,
) -> Update:
    """One device's update: its parameters of ``layers``, weighted by its ``samples``."""
    sums = {
        number: LayerSum(
            parameters.weights[number].astype(np.int64) * samples,
            parameters.biases[number].astype(np.int64) * samples,
            samples,
            1,
        )
        for number in layers
    }
    return Update(np.array([device], np.int64), sums, statistics)
