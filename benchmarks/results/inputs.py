"""What networks see, pixels or what a front end makes of them, and the networks' sizes."""

from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Input:
    """What a network is given, and the network.

    Attributes:
        front_end: its name; None for pixels.
        layers: features, units of hidden layers, classes.
    """

    front_end: str | None
    layers: tuple[int, ...]

    @property
    def sees(self) -> str:
        """What the network sees, for people."""
        return self.front_end or "pixels"

    @property
    def shape(self) -> str:
        """The network.

        >>> Input("octants", (392, 50, 10)).shape
        '392-50-10'
        """
        return "-".join(map(str, self.layers))

    @property
    def name(self) -> str:
        """Both together, part of a row's name."""
        return f"{self.sees}, {self.shape}"

    @property
    def settings(self) -> tuple[str, ...]:
        """``key=value`` of an experiment."""
        layers = (f"layers={list(self.layers)}",)
        return layers if self.front_end is None else (f"front_end={self.front_end}", *layers)

    @property
    def parameters(self) -> int:
        """Weights and biases.

        >>> Input(None, (784, 200, 10)).parameters
        159010
        """
        return sum((fan_in + 1) * fan_out for fan_in, fan_out in pairwise(self.layers))


PIXELS = Input(None, (784, 200, 10))
EDGES = Input("edges", (784, 200, 10))
SECOND = Input("octants-second-order", (784, 200, 10))
NARROW = Input("octants-second-order", (784, 25, 10))
OCTANTS = Input("octants", (392, 50, 10))
SMALL = Input("edges-small", (196, 50, 10))
INPUTS = (
    PIXELS,
    Input(None, (784, 50, 10)),
    Input(None, (784, 13, 10)),
    EDGES,
    SECOND,
    Input("octants-second-order", (784, 100, 10)),
    Input("octants", (392, 200, 10)),
    OCTANTS,
    NARROW,
    Input("octants", (392, 26, 10)),
    SMALL,
)
"""From the paper's network on pixels to a sixteenth of its parameters."""
