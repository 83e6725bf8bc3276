"""What is masked: the sums of an update or of a calibration as vectors, and back."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from itertools import pairwise

import numpy as np

from tifed.federation import FeatureSums, Federation, LayerSum, Update
from tifed.federation.plan import Plan, layers_of
from tifed.federation.sum_numbers import SumNumbers
from tifed.rule.integer.rounding import Integers
from tifed.rule.learning import Statistics
from tifed.secure_aggregation.masks import Shape, Vector, width_for

STATISTICS = len(fields(Statistics))


def update_widths(numbers: SumNumbers, layer: int) -> tuple[int, int]:
    """Bits in which no number of weights, and none of biases, of an exchange overflows.

    Behind a sum are the devices that are asked at most. With noise there are at most as many sites
    as devices, and each adds at most as much as a device's samples times the largest noise.
    """
    federation = numbers.federation
    samples = (federation.devices_per_round or federation.devices) * federation.buffer
    noise = 0 if federation.noise is None else samples * federation.noise.largest
    weight, bias = numbers.bounds(layer, samples, noise)
    return width_for(weight), width_for(bias)


def calibration_width(federation: Federation) -> int:
    """Bits in which no sum of a calibration overflows: a feature is within ±128."""
    return width_for(128 * federation.devices * federation.calibration_samples)


def layers_in(plan: Plan) -> tuple[int, ...]:
    """The layers that somebody trains in an exchange; every site's vector has all of them."""
    return layers_of(int(np.bitwise_or.reduce(plan.jobs.layers, initial=0)))


@dataclass(frozen=True)
class UpdateVectors:
    """Updates as vectors.

    Counts are, per layer, samples and devices, and then the statistics, and with short updates the
    bytes that devices have sent; sums are, per layer, the numbers of its weights, row by row, and
    those of its biases.

    Attributes:
        numbers: how sums become numbers.
        layers: those that somebody trains, ascending.
    """

    numbers: SumNumbers
    layers: tuple[int, ...]

    @property
    def shape(self) -> Shape:
        """Of every vector."""
        return Shape(
            2 * len(self.layers) + STATISTICS + self.numbers.tells_bytes,
            tuple(
                part
                for layer, sizes in zip(self.layers, self._sizes, strict=True)
                for part in zip(sizes, update_widths(self.numbers, layer), strict=True)
            ),
        )

    def encoded(self, update: Update) -> Vector:
        """An update, zeros where nobody has trained."""
        counts, sums = list[int](), list[Integers]()
        for number, sizes in zip(self.layers, self._sizes, strict=True):
            part = update.layers.get(number)
            if part is None:
                counts += [0, 0]
                sums += [np.zeros(size, np.int64) for size in sizes]
            else:
                counts += [part.samples, part.devices]
                sums += map(np.ravel, self.numbers.numbers(number, part, update.devices))
        counts += astuple(update.statistics)
        counts += [self.numbers.bytes_up(update)] if self.numbers.tells_bytes else []
        widths = [width for _, width in self.shape.sums]
        return Vector.of(counts, *zip(sums, widths, strict=True))

    def decoded(self, vector: Vector, devices: Integers) -> Update:
        """The update that is the sum over ``devices``; layers without a device are left out."""
        counts, sums = vector.counts.tolist(), vector.whole_sums
        layers = dict[int, LayerSum]()
        ends = np.cumsum([0, *(size for sizes in self._sizes for size in sizes)]).tolist()
        parts = [sums[begin:end] for begin, end in pairwise(ends)]
        for place, number in enumerate(self.layers):
            samples, count = counts[2 * place : 2 * place + 2]
            if count:
                of = self.numbers.federation.network.layers[number]
                weight, bias = parts[2 * place : 2 * place + 2]
                found = weight.reshape(of.fan_in, of.fan_out), bias
                layers[number] = LayerSum(
                    *self.numbers.sums(number, found, devices), samples, count
                )
        counted = counts[2 * len(self.layers) :]
        return Update(
            devices, layers, Statistics(*counted[:STATISTICS]),
            bytes_up=counted[STATISTICS] if self.numbers.tells_bytes else None,
        )  # fmt: skip

    @property
    def _sizes(self) -> Sequence[tuple[int, int]]:
        """Weights and biases of each layer."""
        of = (self.numbers.federation.network.layers[number] for number in self.layers)
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
        return Shape(2, ((self.features, self.width),))

    def encoded(self, sums: FeatureSums) -> Vector:
        """Feature sums."""
        return Vector.of([sums.squares, sums.samples], (sums.total, self.width))

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
