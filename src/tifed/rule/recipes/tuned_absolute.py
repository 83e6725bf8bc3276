"""The tuned recipe with absolute value in hidden layers: the most accurate with much data."""

from dataclasses import replace
from typing import Literal

from pydantic import Field

from tifed.rule.network import Activation
from tifed.rule.recipes.recipe import AssignmentKind, Mode, Server
from tifed.rule.recipes.tuned import Tuned

MOST_ABSOLUTE_LAYERS = 3
"""Deeper networks diverge with absolute value; their hidden layers are ReLU."""


class TunedAbsolute(Tuned):
    """`Tuned` with ``min(|v|, 127)`` in hidden layers, and few devices on the last of two layers.

    Every unit stays alive and uses both sides. For a thousand and more samples per device; with a
    hundred `Tuned` is better (DESIGN.md, "The tuned recipe"). In single-layer mode a device sends
    three quarters of what it sends in full-network mode, not a half.
    """

    activation: Literal[Activation.RELU, Activation.ABSOLUTE] = Field(
        Activation.ABSOLUTE,
        description="activation of hidden layers; with 4 or more layers of weights always `relu`",
    )
    server_rate: int | None = Field(
        None,
        ge=1,
        le=4,
        description="how far the server moves towards the mean of the devices; default 2 in "
        "full-network mode; in single-layer mode of two layers 2 for the first and 1/2 for the "
        "last; else 1",
    )

    def hidden_activation(self, depth: int) -> Activation:
        """Absolute value up to three layers of weights."""
        return self.activation if depth <= MOST_ABSOLUTE_LAYERS else Activation.RELU

    def server(self, mode: Mode, depth: int) -> Server:
        """As `Tuned`, but for single-layer mode of two layers.

        The first layer, which most devices train, steps twice as far there; the last, which few
        train, half as far, as its mean is noisy.
        """
        server = super().server(mode, depth)
        if self.server_rate is None and mode == "single-layer" and depth == 2:
            return replace(server, rate_halves=(4, 1))
        return server

    @property
    def assignment(self) -> AssignmentKind:
        """Few devices are enough for the small last of two layers."""
        return "rotating-quarter"
