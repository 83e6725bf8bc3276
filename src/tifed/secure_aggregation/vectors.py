"""What is masked: the sums of an update or of a calibration as vectors, and back."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields

import numpy as np

from tifed.federation import FeatureSums, Federation, LayerSum, Update
from tifed.federation.plan import Plan, layers_of
from tifed.rule.integer.rounding import Integers
from tifed.rule.learning import Statistics
from tifed.rule.network import Network
from tifed.secure_aggregation.masks import Shape, Vector, width_for

STATISTICS = len(fields(Statistics))


def update_width(federation: Federation) -> int:
    """Bits in which no sum over an exchange of this run overflows.

    A sum of n devices with s samples each is at most n · s times the largest parameter. With noise
    there are at most as many sites as devices, and each adds at most s times the largest noise.
    """
    asked = federation.devices_per_round or federation.devices
    largest = max(
        max(federation.weight_reach(number), layer.bias_bound)
        for number, layer in enumerate(federation.network.layers)
    )
    if federation.noise is not None:
        largest += federation.noise.largest
    return width_for(asked * federation.buffer * largest)


def calibration_width(federation: Federation) -> int:
    """The same of a calibration: a feature is within ±128."""
    return width_for(128 * federation.devices * federation.calibration_samples)


def layers_in(plan: Plan) -> tuple[int, ...]:
    """The layers that somebody trains in an exchange; every site's vector has all of them."""
    return layers_of(int(np.bitwise_or.reduce(plan.jobs.layers, initial=0)))


@dataclass(frozen=True)
class UpdateVectors:
    """Updates as vectors.

    Counts are, per layer, samples and devices, and then the statistics; sums are, per layer, the
    weights row by row, and then the biases.

    Attributes:
        network: what every device holds.
        layers: those that somebody trains, ascending.
        width: bits of a sum.
    """

    network: Network
    layers: tuple[int, ...]
    width: int

    @property
    def shape(self) -> Shape:
        """Of every vector."""
        sums = sum(weights + biases for weights, biases in self._sizes)
        return Shape(2 * len(self.layers) + STATISTICS, sums, self.width)

    def encoded(self, update: Update) -> Vector:
        """An update, zeros where nobody has trained."""
        counts, sums = list[int](), list[Integers]()
        for number, (weights, biases) in zip(self.layers, self._sizes, strict=True):
            part = update.layers.get(number)
            if part is None:
                counts += [0, 0]
                sums.append(np.zeros(weights + biases, np.int64))
            else:
                counts += [part.samples, part.devices]
                sums += [part.weight.ravel(), part.bias.ravel()]
        counts += astuple(update.statistics)
        return Vector.of(counts, np.concatenate([np.zeros(0, np.int64), *sums]), self.width)

    def decoded(self, vector: Vector, devices: Integers) -> Update:
        """The update that is the sum over ``devices``; layers without a device are left out."""
        counts, sums = vector.counts.tolist(), vector.whole_sums
        layers, end = dict[int, LayerSum](), 0
        for place, (number, sizes) in enumerate(zip(self.layers, self._sizes, strict=True)):
            begin, middle, end = end, end + sizes[0], end + sum(sizes)
            samples, count = counts[2 * place : 2 * place + 2]
            if count:
                of = self.network.layers[number]
                weight = sums[begin:middle].reshape(of.fan_in, of.fan_out)
                layers[number] = LayerSum(weight, sums[middle:end], samples, count)
        return Update(devices, layers, Statistics(*counts[2 * len(self.layers) :]))

    @property
    def _sizes(self) -> Sequence[tuple[int, int]]:
        """Weights and biases of each layer."""
        of = (self.network.layers[number] for number in self.layers)
        return [(layer.fan_in * layer.fan_out, layer.fan_out) for layer in of]


@dataclass(frozen=True)
class CalibrationVectors:
    """Feature sums as vectors: the counts are the sum of squares and the samples.

    Attributes:
        features: how many there are.
        width: bits of a sum.
    """

    features: int
    width: int

    @property
    def shape(self) -> Shape:
        """Of every vector."""
        return Shape(2, self.features, self.width)

    def encoded(self, sums: FeatureSums) -> Vector:
        """Feature sums."""
        return Vector.of([sums.squares, sums.samples], sums.total, self.width)

    def decoded(self, vector: Vector, devices: Integers) -> FeatureSums:
        """The feature sums over ``devices``."""
        squares, samples = vector.counts.tolist()
        return FeatureSums(vector.whole_sums, squares, samples, devices)


def feature_total(parts: Sequence[FeatureSums], features: int) -> FeatureSums:
    """The sum over all devices in ``parts``."""
    total, devices = np.zeros(features, np.int64), [np.zeros(0, np.int64)]
    for part in parts:
        total += part.total
        devices.append(part.devices)
    return FeatureSums(
        total,
        sum(part.squares for part in parts),
        sum(part.samples for part in parts),
        np.sort(np.concatenate(devices)),
    )
