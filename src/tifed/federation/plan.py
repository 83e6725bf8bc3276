"""What the server asks of the devices: rounds, exchanges and jobs."""

from dataclasses import dataclass
from enum import StrEnum


class AverageEvery(StrEnum):
    """After how much local work the devices' parameters are averaged."""

    BUFFER = "buffer"
    EPOCH = "epoch"
    MINI_BATCH = "mini-batch"


class AtEnd(StrEnum):
    """What a device does when its stream has run out."""

    RESTART = "restart"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Job:
    """One device's part in an exchange.

    Attributes:
        device: its logical number.
        layers: the layers it trains and sends back, ascending.
        position: where its buffer starts in its stream.
        samples: how many samples its buffer holds; past the end the stream starts over.
        first_step: first mini-batch step of this exchange, counted from the buffer's first.
        steps: mini-batch steps of this exchange.
    """

    device: int
    layers: tuple[int, ...]
    position: int
    samples: int
    first_step: int
    steps: int


@dataclass(frozen=True, slots=True)
class Plan:
    """One exchange: parameters go down, devices work, updates come up.

    Attributes:
        round: number of the round, from 0; a round is one buffer of every device in it.
        exchange: number of the exchange, counted from the run's first.
        extra_shift: added to every update shift.
        jobs: one per device, ascending by device.
    """

    round: int
    exchange: int
    extra_shift: int
    jobs: tuple[Job, ...]
