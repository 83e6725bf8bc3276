"""The fixed random matrices that carry the output's error to each hidden layer (SPEC, 5.5)."""

import numpy as np

from tifed.rule.integer import Purpose, below, stream_key
from tifed.rule.integer.rounding import Integers
from tifed.rule.network import Feedback, Network

FeedbackMatrices = tuple[Integers, ...]
"""Per hidden layer int64 (classes, units)."""


def feedback_matrices(network: Network, seed: int) -> FeedbackMatrices:
    """The feedback matrices of every hidden layer, made from the experiment's seed.

    An entry depends on seed, layer, class and unit alone, so a device needs not store it. With
    ``output-sign`` feedback the matrix of the last hidden layer is not random but read off the
    current output weights (`output_sign`); its place here holds the balanced one.
    """
    make = _uniform if network.feedback is Feedback.UNIFORM else _balanced
    return tuple(make(network, seed, layer) for layer in range(network.depth - 1))


def _uniform(network: Network, seed: int, layer: int) -> Integers:
    """Integers in ``[-r, r)``; entry (class, unit) is number ``class * units + unit``."""
    shape = network.classes, network.layers[layer].fan_out
    reach = network.feedback_range(layer)
    key = stream_key(seed, Purpose.FEEDBACK, layer)
    drawn = below(key, np.arange(shape[0] * shape[1], dtype=np.int64), 2 * reach)
    return drawn.reshape(shape) - reach


def _balanced(network: Network, seed: int, layer: int) -> Integers:
    """One sign per class, dealt to each unit from a deck with (nearly) as many of each.

    With an odd number of classes the deck of an odd-numbered unit has one plus more, that of an
    even-numbered unit one less. The deck is dealt class by class: with ``plus`` of ``left`` cards
    positive, number ``unit * classes + class`` below ``left`` decides. One pass and two counters:
    cheap on a device.
    """
    classes, units = network.classes, network.layers[layer].fan_out
    key = stream_key(seed, Purpose.FEEDBACK, layer)
    unit = np.arange(units, dtype=np.int64)
    plus = (classes + unit % 2) // 2
    signs = np.empty((classes, units), np.int64)
    for number in range(classes):
        positive = below(key, unit * classes + number, classes - number) < plus
        signs[number] = np.where(positive, 1, -1)
        plus = plus - positive
    return signs


def output_sign(output_weights: Integers) -> Integers:
    """Signs of the output weights, transposed to (classes, units); the sign of 0 is +1."""
    return np.where(output_weights.T < 0, -1, 1)
