"""One dense layer and every integer of its arithmetic."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from tifed.errors import UsageError
from tifed.rule.integer import Rounding

INPUT_LIMIT = 128
"""Largest magnitude of an int8 input."""


class Activation(StrEnum):
    """What a layer does to its rescaled sums (SPEC, section 5.2)."""

    POCKET_TANH = "pocket-tanh"
    """Seven straight pieces that approximate 128·tanh (PocketNN, arXiv 2201.02863)."""
    RELU = "relu"
    """Clamp to 0..127; the slope is 1 where 0 < v <= 127 and 0 elsewhere."""
    IDENTITY = "identity"
    """The rescaled sum itself; output layers only."""
    ABSOLUTE = "absolute"
    """Magnitude, at most 127; the slope is the sign of v where |v| <= 127 and 0 elsewhere."""

    @property
    def limit(self) -> int | None:
        """Largest magnitude of the activation; None where the layer's own sums set it."""
        return {"pocket-tanh": 128, "relu": 127, "identity": None, "absolute": 127}[self.value]


@dataclass(frozen=True)
class Layer:
    """A dense layer: ``v = (x·W + (b << bias_shift) + offset) // divisor``, ``a = activation(v)``.

    The bounds of weights and biases are not chosen: they follow from fan-in, the magnitude of the
    inputs and the accumulator's width, so that no sum of any order can overflow (SPEC, section 4).

    Attributes:
        fan_in: inputs, 1..65,536.
        fan_out: units, 1..65,536.
        input_limit: largest magnitude of an input: 128 for int8 and for pocket tanh, 127 for ReLU
            and absolute value.
        activation: what is done to the rescaled sums.
        rescale_shift: the divisor's power of two, 0..24.
        rescale_factor: the divisor's other factor, 1..65,536: ``divisor = factor << shift``,
            2**30 at most.
        rescale_rounding: ``floor`` or ``nearest``.
        bias_shift: the bias counts ``2**bias_shift`` times, 0..8.
        update_shift: an update is the gradient divided by ``2**update_shift``, 0..24.
        update_rounding: ``floor``, ``nearest`` or ``stochastic``.
        weight_bits: 8 or 16 for devices; 32 for simulations whose weights must not saturate.

    Raises:
        UsageError: if a field is out of range.
    """

    fan_in: int
    fan_out: int
    input_limit: int
    activation: Activation
    rescale_shift: int
    update_shift: int
    rescale_factor: int = 1
    rescale_rounding: Rounding = Rounding.NEAREST
    update_rounding: Rounding = Rounding.NEAREST
    bias_shift: int = 0
    weight_bits: int = 16

    def __post_init__(self) -> None:
        for name, low, high in (
            ("fan_in", 1, 1 << 16),
            ("fan_out", 1, 1 << 16),
            ("input_limit", 1, INPUT_LIMIT),
            ("rescale_shift", 0, 24),
            ("rescale_factor", 1, 1 << 16),
            ("update_shift", 0, self.largest_update_shift),
            ("bias_shift", 0, 8),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise UsageError(f"{name}: {value} is not in {low}..{high}")
        if self.divisor > 1 << 30:
            raise UsageError(f"rescale_factor: a divisor of {self.divisor} is not in 1..2**30")
        if self.weight_bits not in (8, 16, 32):
            raise UsageError(f"weight_bits: {self.weight_bits} is not one of 8, 16, 32")
        if self.rescale_rounding not in (Rounding.FLOOR, Rounding.NEAREST):
            raise UsageError(f"rescale_rounding: {self.rescale_rounding} is not floor or nearest")
        if self.update_rounding is Rounding.TOWARD_ZERO:
            raise UsageError(
                f"update_rounding: {self.update_rounding} is not floor, nearest or stochastic"
            )

    @property
    def largest_update_shift(self) -> int:
        """The largest ``update_shift`` that there is with this rounding."""
        return 16 if self.update_rounding is Rounding.STOCHASTIC else 24

    @property
    def shift_changes(self) -> tuple[int, int]:
        """The least and the most that can be added to ``update_shift``."""
        return -self.update_shift, self.largest_update_shift - self.update_shift

    @cached_property
    def divisor(self) -> int:
        """What a sum is divided by to become ``v``."""
        return self.rescale_factor << self.rescale_shift

    @cached_property
    def offset(self) -> int:
        """What is added to a sum before the floor division, for the sake of rounding."""
        return self.divisor // 2 if self.rescale_rounding is Rounding.NEAREST else 0

    @cached_property
    def accumulator_bits(self) -> int:
        """Width of the signed accumulators: 32 on devices, 64 for 32-bit weights."""
        return 64 if self.weight_bits == 32 else 32

    @cached_property
    def bias_bits(self) -> int:
        """Width of a bias: 16, or that of 32-bit weights."""
        return max(16, self.weight_bits)

    @cached_property
    def bias_bound(self) -> int:
        """Largest magnitude of a bias."""
        return (1 << self.bias_bits - 1) - 1

    @cached_property
    def weight_bound(self) -> int:
        """Largest magnitude of a weight: what its type holds, or what the accumulator allows."""
        headroom = (1 << self.accumulator_bits - 1) - 1 - self.offset
        headroom -= self.bias_bound << self.bias_shift
        return min((1 << self.weight_bits - 1) - 1, headroom // (self.fan_in * self.input_limit))

    @cached_property
    def sum_limit(self) -> int:
        """Largest magnitude of ``x·W + (b << bias_shift) + offset``, partial sums included."""
        products = self.fan_in * self.input_limit * self.weight_bound
        return products + (self.bias_bound << self.bias_shift) + self.offset

    @cached_property
    def rescaled_limit(self) -> int:
        """Largest magnitude of a rescaled sum."""
        return -(-self.sum_limit // self.divisor)
