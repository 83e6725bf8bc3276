"""The arithmetic that was published (arXiv 2411.16442, section 3, and its notebooks)."""

from itertools import pairwise
from typing import Literal

from pydantic import Field

from tifed.errors import UsageError
from tifed.rule.integer import Rounding
from tifed.rule.network import INPUT_LIMIT, Activation, ErrorKind, Feedback, Layer, Network
from tifed.rule.recipes.recipe import Recipe


class Paper(Recipe):
    """Pocket tanh, squared error, dense uniform feedback, floor division, plain average."""

    inverse_learning_rate: int = Field(
        2048, ge=1, le=1 << 24, description="gradients are divided by this power of two"
    )
    target: int = Field(
        16, ge=1, le=127, description="value that the output of the true class should reach"
    )
    weight_bits: Literal[16, 32] = Field(
        16,
        description="width of a weight; 32 bits never saturate and are for simulation only",
    )

    def network(self, shape: tuple[int, ...], batch: int) -> Network:
        """Divisor 256 · fan-in, floor; the same update shift in every layer."""
        shift = self.inverse_learning_rate.bit_length() - 1
        if self.inverse_learning_rate != 1 << shift:
            raise UsageError(
                f"inverse_learning_rate: {self.inverse_learning_rate} is not a power of two; "
                f"the nearest are {1 << shift} and {2 << shift}"
            )
        del batch
        return Network(
            layers=tuple(
                Layer(
                    fan_in=fan_in,
                    fan_out=fan_out,
                    input_limit=INPUT_LIMIT,
                    activation=Activation.POCKET_TANH,
                    rescale_shift=8,
                    rescale_factor=fan_in,
                    rescale_rounding=Rounding.FLOOR,
                    update_shift=shift,
                    update_rounding=Rounding.FLOOR,
                    weight_bits=self.weight_bits,
                )
                for fan_in, fan_out in pairwise(shape)
            ),
            error=ErrorKind.SQUARED,
            error_level=self.target,
            feedback=Feedback.UNIFORM,
        )
