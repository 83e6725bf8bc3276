"""The tuned recipe with 8-bit weights: half the bytes on the link and half the memory."""

from typing import Literal

from pydantic import Field

from tifed.rule.recipes.tuned import Tuned


class TunedInt8(Tuned):
    """`Tuned` with weights of 8 bits, whose updates are rounded stochastically.

    A step of less than one unit would be lost to rounding; rounded at random it arrives on average.
    """

    weight_bits: Literal[8, 16] = Field(8, description="bits of a weight on the device")
