"""A map's constants in the form of the C core, without 64-bit arithmetic (SPEC, section 20)."""

from dataclasses import dataclass

from tifed.data.quantisation.quantisation import Quantisation


@dataclass(frozen=True)
class DeviceMap:
    """A ``tifed_map`` (core/tifed_quantise.h).

    Attributes:
        bias_high: the bias without its low 16 bits, an int32.
        bias_low: 0..65535.
        multiplier: 0..32767.
        shift: 0..31.
        fraction_bits: binary places of a reading, -64..64.
    """

    bias_high: int
    bias_low: int
    multiplier: int
    shift: int
    fraction_bits: int

    @property
    def range(self) -> tuple[int, int]:
        """The greatest reading that becomes -128, and the least that becomes 127, within int32.

        >>> device_maps(Quantisation("minus-128"))[0].range
        (0, 255)
        """
        bias = (self.bias_high << 16) + self.bias_low
        if not self.multiplier:
            return 0, 0
        low = ((-127 << self.shift) - 1 - bias) // self.multiplier
        high = -(-((127 << self.shift) - bias) // self.multiplier)
        least, most = -(1 << 31), (1 << 31) - 1
        return max(least, min(low, most)), max(least, min(high, most))


def device_maps(quantisation: Quantisation) -> tuple[DeviceMap, ...]:
    """The constants of each feature, or the one set of them that all features share.

    A map that takes integers as they are, or less 128, is the affine one that does the same.

    >>> device_maps(Quantisation("identity"))
    (DeviceMap(bias_high=0, bias_low=0, multiplier=1, shift=0, fraction_bits=0),)
    """
    if quantisation.kind != "affine":
        bias = -128 if quantisation.kind == "minus-128" else 0
        return (_device_map(0, 1, bias, 0),)
    return tuple(
        map(
            _device_map,
            quantisation.fraction_bits, quantisation.multiplier,
            quantisation.bias, quantisation.shift,
        )
    )  # fmt: skip


def _device_map(fraction_bits: int, multiplier: int, bias: int, shift: int) -> DeviceMap:
    high, low = divmod(bias, 1 << 16)
    return DeviceMap(high, low, multiplier, shift, fraction_bits)
