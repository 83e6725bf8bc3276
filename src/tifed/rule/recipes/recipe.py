"""What a recipe decides: the network's arithmetic, its start, and what the server does."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

from tifed.rule.integer import Rounding
from tifed.rule.network import Network, Parameters, start_parameters

ENERGIES = tuple(1 << bit for bit in range(32))
"""Where a recipe's choices by the input's energy are looked at as a whole; no energy is larger than
twice the last."""

Mode = Literal["full-network", "single-layer", "per-device", "memory-aware"]
"""Which layers a device trains."""

AssignmentKind = Literal["contiguous", "alternating", "rotating", "rotating-quarter"]
"""Which device trains which layer in single-layer mode (`tifed.federation.assignment`)."""


@dataclass(frozen=True)
class Server:
    """How the server turns devices' parameters into the next ones (SPEC, section 7).

    Attributes:
        fraction_bits: bits after the point of the server's own copy, 0..8.
        rounding: of the mean over devices.
        rate_halves: per layer how far the copy moves towards the mean, in halves, 1..8; 2 is plain
            averaging. The last entry stands for all further layers too.
        running_mean: exchanges that the published model averages over; 1 publishes the last one.
        running_mean_growth: the mean is over one exchange more after every 2 to this power of them.
        momentum: sixteenths of the copy's last step that are added to the next, 0..15.
    """

    fraction_bits: int = 0
    rounding: Rounding = Rounding.TOWARD_ZERO
    rate_halves: tuple[int, ...] = (2,)
    running_mean: int = 1
    running_mean_growth: int = 0
    momentum: int = 0

    def rate_halves_of(self, layer: int) -> int:
        """The entry of ``rate_halves`` that holds for ``layer``.

        >>> [Server(rate_halves=(4, 1)).rate_halves_of(layer) for layer in range(3)]
        [4, 1, 1]
        """
        return self.rate_halves[min(layer, len(self.rate_halves) - 1)]


class Recipe(BaseModel, ABC):
    """Settings of a learning rule, and the constants that follow from them for a given shape.

    A field that is not set follows from the network's shape. Frozen; unknown fields are refused.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    @abstractmethod
    def network(self, shape: tuple[int, ...], batch: int) -> Network:
        """The network of ``shape`` (features, units of hidden layers, classes).

        Raises:
            UsageError: if the shape, the mini-batch or a setting leaves no valid arithmetic.
        """

    def start(self, network: Network, energy: int | None = None) -> tuple[int, ...]:
        """Per layer the largest magnitude of a first weight; all weights start at 0 by default.

        Args:
            network: the shape and its constants.
            energy: of the input, from the calibration round (see `energy_shift`); None where there
                is none, or before it.
        """
        del energy
        return (0,) * network.depth

    def start_biases(self, network: Network, energy: int | None = None) -> tuple[int, ...]:
        """Per layer the first value of its biases; 0 by default. Arguments as of `start`."""
        del energy
        return (0,) * network.depth

    def start_parameters(
        self, network: Network, seed: int, energy: int | None = None
    ) -> Parameters:
        """The parameters of ``network`` before the first round of an experiment with ``seed``."""
        return start_parameters(
            network, self.start(network, energy), seed, self.start_biases(network, energy)
        )

    def energy_shift(self, network: Network, energy: int) -> int:
        """What is added to the first layer's update shift in every round; may be below 0.

        Asked for once, after the calibration round; where there is none it is 0. The server limits
        it to what keeps all sums within their words (SPEC, section 6).

        Args:
            network: the shape and its constants.
            energy: mean over the calibration's samples of the sum over features of
                ``(sample - centre)**2``, 0 to 65,025 times the number of features.
        """
        del network, energy
        return 0

    def server(self, mode: Mode, depth: int) -> Server:
        """The server's constants for a network of ``depth`` layers; by default a plain average."""
        del mode, depth
        return Server()

    def extra_shift(self, number: int, rounds: int, mode: Mode) -> int:
        """What is added to every update shift in round ``number`` (from 0) of ``rounds``."""
        del number, rounds, mode
        return 0

    @property
    def assignment(self) -> AssignmentKind:
        """Which device trains which layer in single-layer mode, if the experiment does not say."""
        return "contiguous"

    @property
    def calibration_samples(self) -> int:
        """Samples per device that the calibration round looks at; 0 where there is none."""
        return 0
