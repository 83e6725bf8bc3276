"""The network that every device holds: its layers and the rule's constants."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import pairwise

from tifed.errors import UsageError
from tifed.rule.integer import Rounding, isqrt
from tifed.rule.network.layer import INPUT_LIMIT, Activation, Layer

LARGEST_EXTRA_SHIFT = 6
"""What a device adds to every update shift at most."""


class ErrorKind(StrEnum):
    """How the output's error is measured (SPEC, section 5.3)."""

    SQUARED = "squared"
    """``e = out - target`` with ``target`` at the true class and 0 elsewhere."""
    MARGIN = "margin"
    """Crammer and Singer: the best wrong class against the true class, up to a margin."""


class Feedback(StrEnum):
    """Where the matrix that carries the error to a hidden layer comes from (SPEC, section 5.5)."""

    UNIFORM = "uniform"
    """Uniform in ``[-r, r)``, ``r = isqrt(12·32767 // (classes + units))``."""
    BALANCED = "balanced"
    """Plus or minus one, as many of each per unit as the number of classes allows."""
    OUTPUT_SIGN = "output-sign"
    """The last hidden layer takes the signs of the output weights; deeper ones are balanced."""


@dataclass(frozen=True)
class Network:
    """Layers, input transformation, error and feedback: all that the arithmetic depends on.

    Attributes:
        layers: first to last; each takes what the one before it gives.
        input_shift: an input is ``(sample - centre) >> input_shift``; 0 or 1.
        centred: whether a calibration round agrees on ``centre``; otherwise it is 0.
        error: how the output's error is measured.
        error_level: the target (squared, 1..127) or the margin (margin, 1..127).
        feedback: where feedback matrices come from.

    Raises:
        UsageError: if the layers do not fit together or a constant is out of range.
    """

    layers: tuple[Layer, ...]
    error: ErrorKind
    error_level: int
    feedback: Feedback
    input_shift: int = 0
    centred: bool = False

    def __post_init__(self) -> None:
        if not self.layers:
            raise UsageError("layers: a network needs at least one layer of weights")
        for number, (before, after) in enumerate(pairwise(self.layers)):
            if before.fan_out != after.fan_in:
                raise UsageError(
                    f"layers: layer {number} gives {before.fan_out} values, "
                    f"layer {number + 1} takes {after.fan_in}"
                )
            if before.activation is Activation.IDENTITY:
                raise UsageError(f"activation: hidden layer {number} needs one that saturates")
            limit = before.activation.limit or after.input_limit
            if after.input_limit < limit:
                raise UsageError(
                    f"input_limit: layer {number + 1} takes {after.input_limit} at most, "
                    f"layer {number} gives up to {limit}"
                )
        if self.layers[0].input_limit < INPUT_LIMIT:
            raise UsageError(f"input_limit: layer 0 has to take an int8, up to {INPUT_LIMIT}")
        if self.classes < 2:
            raise UsageError(f"layers: {self.classes} class is too few; the last must be 2 or more")
        if not 1 <= self.error_level <= 127:
            raise UsageError(f"error_level: {self.error_level} is not in 1..127")
        if any(self.reached_limit(layer) >= 1 << 31 for layer in range(self.depth)):
            raise UsageError(
                "error: what reaches a hidden layer of it can pass 32 bits; "
                "use an activation that saturates at the output, or fewer classes"
            )
        if self.input_shift not in (0, 1):
            raise UsageError(f"input_shift: {self.input_shift} is not 0 or 1")
        if self.centred and self.input_shift == 0:
            raise UsageError("input_shift: a centred int8 sample needs a shift of 1 to fit int8")

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Features, units of each hidden layer, classes: ``(784, 200, 10)``."""
        return (self.layers[0].fan_in, *(layer.fan_out for layer in self.layers))

    @property
    def features(self) -> int:
        """Length of a sample."""
        return self.layers[0].fan_in

    @property
    def classes(self) -> int:
        """Number of classes, which is the number of outputs."""
        return self.layers[-1].fan_out

    @property
    def depth(self) -> int:
        """Number of layers of weights."""
        return len(self.layers)

    @cached_property
    def parameter_count(self) -> int:
        """Weights and biases of all layers."""
        return sum((layer.fan_in + 1) * layer.fan_out for layer in self.layers)

    def feedback_range(self, layer: int) -> int:
        """The ``r`` of uniform feedback to hidden layer ``layer`` (published code; SPEC 5.5)."""
        return isqrt(12 * 32767 // (self.classes + self.layers[layer].fan_out))

    @property
    def delta_bits(self) -> int:
        """Width of a delta: 16 on devices, 32 where weights are wide as well."""
        return 16 if self.layers[0].weight_bits <= 16 else 32

    @property
    def delta_bound(self) -> int:
        """Where deltas saturate."""
        return (1 << self.delta_bits - 1) - 1

    @cached_property
    def error_limit(self) -> int:
        """Largest magnitude of an entry of the output's error."""
        if self.error is ErrorKind.MARGIN:
            return 127
        output = self.layers[-1]
        return (output.activation.limit or output.rescaled_limit) + self.error_level

    def reached_limit(self, layer: int) -> int:
        """Largest magnitude of what reaches ``layer`` of the error, before it saturates."""
        if layer == self.depth - 1:
            return self.error_limit
        # The margin error has two entries that are not 0, the squared error one per class.
        entries = 2 if self.error is ErrorKind.MARGIN else self.classes
        scale = self.feedback_range(layer) if self.feedback is Feedback.UNIFORM else 1
        return self.error_limit * entries * scale

    def delta_limit(self, layer: int) -> int:
        """Largest magnitude of a delta of ``layer``."""
        return min(self.reached_limit(layer), self.delta_bound)

    def energy_shift_within(self, wanted: int, batch: int, extra_shift: int) -> int:
        """The number nearest to ``wanted`` that can be added to the first layer's update shift.

        The shift has to stay in its range, and a mini-batch's gradient and what rounding adds to it
        within the accumulator; 0 is always possible.

        Args:
            wanted: what a recipe chose.
            batch: samples per mini-batch.
            extra_shift: the largest that is added to every update shift in a round.
        """
        layer = self.layers[0]
        least, most = layer.shift_changes
        headroom = (1 << layer.accumulator_bits - 1) - 1 - batch * self.gradient_limit(0)
        # Rounding to nearest adds half of the divisor, a random number is below all of it.
        whole = headroom if layer.update_rounding is Rounding.STOCHASTIC else 2 * headroom + 1
        room = whole.bit_length() - 1 - layer.update_shift - extra_shift
        return max(least, min(wanted, most, max(0, room)))

    def extra_shift_within(
        self, wanted: int, batch: int, energy_shift: int, layers: tuple[int, ...]
    ) -> int:
        """The number nearest to ``wanted`` that can be added to every update shift of ``layers``.

        Args:
            wanted: 0 or more.
            batch: samples per mini-batch.
            energy_shift: what is added to the first layer's as well.
            layers: those that are trained.
        """
        found = min(wanted, LARGEST_EXTRA_SHIFT)
        for number in layers:
            layer = self.layers[number]
            shift = layer.update_shift + (0 if number else energy_shift)
            headroom = (1 << layer.accumulator_bits - 1) - 1 - batch * self.gradient_limit(number)
            # As in `energy_shift_within`.
            whole = headroom if layer.update_rounding is Rounding.STOCHASTIC else 2 * headroom + 1
            found = min(found, whole.bit_length() - 1 - shift)
        return max(0, found)

    def gradient_limit(self, layer: int) -> int:
        """Largest magnitude of what one sample adds to a gradient of ``layer``, or its biases'."""
        first = self.layers[layer]
        return max(first.input_limit, 1 << first.bias_shift) * self.delta_limit(layer)

    @cached_property
    def largest_batch(self) -> int:
        """Most samples whose gradients can be summed without overflow, in any layer."""
        batches = []
        for number, layer in enumerate(self.layers):
            headroom = (1 << layer.accumulator_bits - 1) - 1 - (1 << layer.update_shift)
            batches.append(headroom // self.gradient_limit(number))
        return min(batches)
