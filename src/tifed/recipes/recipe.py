"""What a recipe decides: the network's arithmetic, its start, and what the server does."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

from tifed.integer import Rounding
from tifed.network import Network


@dataclass(frozen=True)
class Server:
    """How the server turns devices' parameters into the next ones (SPEC, section 7).

    Attributes:
        fraction_bits: bits after the point of the server's own copy, 0..8.
        rounding: of the mean over devices.
        rate: how far the copy moves towards the mean, 1..4; 1 is plain averaging.
        running_mean: exchanges that the published model averages over; 1 publishes the last one.
    """

    fraction_bits: int = 0
    rounding: Rounding = Rounding.TOWARD_ZERO
    rate: int = 1
    running_mean: int = 1


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

    @abstractmethod
    def start(self, network: Network) -> tuple[int, ...]:
        """Per layer the largest magnitude of a first weight."""

    @abstractmethod
    def server(self, full_network: bool) -> Server:
        """The server's constants; ``full_network`` where every device trains every layer."""

    def extra_shift(self, number: int, rounds: int) -> int:
        """What is added to every update shift in round ``number`` (from 0) of ``rounds``."""
        del number, rounds
        return 0

    @property
    def assignment(self) -> Literal["contiguous", "rotating"]:
        """Which device trains which layer in single-layer mode, if the experiment does not say."""
        return "contiguous"

    @property
    def calibration_samples(self) -> int:
        """Samples per device that the calibration round looks at; 0 where there is none."""
        return 0
