"""What a device is asked to do in one exchange, and what it counts while doing so."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LocalWork:
    """Mini-batch steps over one buffer of samples.

    Attributes:
        batch: samples per mini-batch, 1 or more; the buffer's last one may be smaller.
        first_step: number of the first step, counted from the buffer's first.
        steps: how many steps; local epochs × mini-batches per buffer for a whole buffer.
        layers: numbers of the layers to train, ascending.
        extra_shift: added to every layer's update shift (the recipe's late decay).
        seed: of the experiment; with device, exchange and step it names the random numbers
            of stochastic rounding.
        device: logical number of the device.
        exchange: number of the exchange, counted from the run's first.
    """

    batch: int
    first_step: int
    steps: int
    layers: tuple[int, ...]
    extra_shift: int = 0
    seed: int = 0
    device: int = 0
    exchange: int = 0


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts of local work; adding two gives the counts of both.

    Attributes:
        visits: samples trained on, each epoch counted.
        missed: visits whose class was wrong before the update.
        clipped_parameters: weights and biases that reached their bound in an update.
        clipped_deltas: deltas that saturated.
    """

    visits: int = 0
    missed: int = 0
    clipped_parameters: int = 0
    clipped_deltas: int = 0

    def __add__(self, other: "Statistics") -> "Statistics":
        """Sum, count by count."""
        return Statistics(
            self.visits + other.visits,
            self.missed + other.missed,
            self.clipped_parameters + other.clipped_parameters,
            self.clipped_deltas + other.clipped_deltas,
        )
