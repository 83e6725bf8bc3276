"""What the server asks of the devices: rounds, exchanges and jobs."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from tifed.federation.residuals import Residuals
from tifed.rule.compression import Change
from tifed.rule.integer import isqrt
from tifed.rule.integer.rounding import Integers
from tifed.rule.learning import LARGEST_CLIP
from tifed.rule.network import Parameters


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
        steps: mini-batch steps of this exchange; past those of a buffer they go on with the next
            one, which begins where it ends (`Federation.by_buffer`).
    """

    device: int
    layers: tuple[int, ...]
    position: int
    samples: int
    first_step: int
    steps: int


def mask_of(layers: Iterable[int]) -> int:
    """Numbers of layers as bits.

    >>> mask_of((0, 2))
    5
    """
    return sum(1 << layer for layer in set(layers))


def layers_of(mask: int) -> tuple[int, ...]:
    """The numbers again, ascending.

    >>> layers_of(5)
    (0, 2)
    """
    return tuple(layer for layer in range(mask.bit_length()) if mask >> layer & 1)


@dataclass(frozen=True, slots=True, eq=False)
class Jobs:
    """The jobs of an exchange as columns, one entry per device, ascending by device.

    A server that plans for a million devices has no time to make an object for each; who works on
    one job iterates.

    Attributes:
        device: int64 (n,), and so are the others; see `Job`.
        layers: as bits, see `mask_of`.
        position: where buffers start.
        samples: how many they hold.
        first_step: first steps of this exchange.
        steps: how many.
    """

    device: Integers
    layers: Integers
    position: Integers
    samples: Integers
    first_step: Integers
    steps: Integers

    @classmethod
    def of(cls, jobs: Iterable[Job]) -> Self:
        """Jobs one by one, ascending by device."""
        rows = [
            (job.device, mask_of(job.layers), job.position, job.samples, job.first_step, job.steps)
            for job in jobs
        ]
        return cls(*np.array(rows, np.int64).reshape(len(rows), 6).T)

    @property
    def columns(self) -> tuple[Integers, ...]:
        """All of them, in the order of the attributes."""
        return tuple(getattr(self, column.name) for column in fields(self))

    def __len__(self) -> int:
        return len(self.device)

    def __iter__(self) -> Iterator[Job]:
        known: dict[int, tuple[int, ...]] = {}
        for device, mask, *work in zip(*(c.tolist() for c in self.columns), strict=True):
            if mask not in known:
                known[mask] = layers_of(mask)
            yield Job(device, known[mask], *work)

    def at(self, places: NDArray[np.int64] | NDArray[np.bool_]) -> "Jobs":
        """Those at ``places``: ascending numbers, or a flag for each job."""
        return Jobs(*(column[places] for column in self.columns))

    def for_devices(self, devices: Integers) -> "Jobs":
        """Those of ``devices``, ascending, each of which has one."""
        return self.at(np.searchsorted(self.device, devices))

    def within(self, lengths: Integers) -> "Jobs":
        """The same with positions modulo ``lengths``, int64 (n,), of the devices' streams."""
        return replace(self, position=self.position % lengths)

    def of_layer(self, layer: int) -> NDArray[np.bool_]:
        """Flags of those that train ``layer``."""
        return (self.layers >> layer & 1).astype(bool)


@dataclass(frozen=True, slots=True)
class Plan:
    """One exchange: parameters go down, devices work, updates come up.

    Attributes:
        round: number of the round, from 0; a round is one turn of every device in it.
        exchange: number of the exchange, counted from the run's first.
        extra_shift: added to every update shift.
        jobs: one per device.
        energy_shift: added to the first layer's update shift.
        clip: bound on the L2 norm of what each device has changed, in units of its weights, before
            it is weighted and summed (SPEC, section 23); 0 for none.
        clips: per layer a bound on the norm of what each device has changed in it, 1 or more, in
            place of ``clip``; {} for none.
        upload: per layer how its weights go up (SPEC, section 25); () if they go up whole.
        download: the same for what the server makes of the exchange, which goes down in the next.
        seed: of the experiment, which rounds what goes up.
        frame: bytes that a frame of coded short numbers has at most, for updates to count their
            frames (SPEC, section 25); 0 where they are not coded.
        residuals: what devices have left of changes before this exchange; None in a run in which
            they keep nothing.
    """

    round: int
    exchange: int
    extra_shift: int
    jobs: Jobs
    energy_shift: int = 0
    clip: int = 0
    clips: Mapping[int, int] = field(default_factory=dict)
    upload: tuple[Change, ...] = ()
    download: tuple[Change, ...] = ()
    seed: int = 0
    frame: int = 0
    residuals: Residuals | None = None

    @property
    def coded(self) -> bool:
        """Whether updates count the bytes of their short numbers as they are coded."""
        return bool(self.frame and self.upload)

    @property
    def bounded(self) -> bool:
        """Whether devices are held to bounds, and tell their norms."""
        return bool(self.clip or self.clips)

    def layer_bounds(self, depth: int) -> tuple[int, ...]:
        """``clips`` of each of ``depth`` layers; where there is none, what nobody can reach."""
        return tuple(self.clips.get(layer, LARGEST_CLIP) for layer in range(depth))

    def rounding(self, sent: Parameters, layer: int) -> int:
        """By how much rounding on the way up can add to a device's norm in ``layer`` at most."""
        if not self.upload or not self.upload[layer].top:
            return 0
        return isqrt(sent.weights[layer].size << 2 * self.upload[layer].shift) + 1

    def row_samples(self, layer: int, rows: int, devices: Integers) -> Integers:
        """Samples behind each of the ``rows`` rows of ``layer``, in a sum over ``devices``.

        Returns:
            int64 (rows, 1).
        """
        jobs = self.jobs.for_devices(np.sort(devices))
        samples = jobs.samples * jobs.of_layer(layer)
        change = self.upload[layer] if self.upload else Change(0)
        # Devices whose numbers leave the same remainder send the same rows.
        places = np.arange(change.rows)
        alike = np.array([samples[jobs.device % change.rows == place].sum() for place in places])
        up = change.goes_up(np.arange(rows)[:, np.newaxis], places, self.round)
        behind: Integers = up.astype(np.int64) @ alike
        return behind[:, np.newaxis]


@dataclass(frozen=True)
class ScheduleState:
    """Where a run stands, which is all that its next plan depends on.

    Attributes:
        round: rounds finished.
        exchange: exchanges finished.
        turns: int64 (devices,), how often each device has been asked to train; in each turn it
            uses up `Federation.buffers_per_round` buffers.
        energy: of the input, from the calibration round; None without one.
        energy_shift: added to the first layer's update shift in every round, chosen from it.
        far: int64 (devices,), of each device the exchanges in which it was far out (SPEC, section
            23); None in a run without bounds.
        held: int64 (devices,), of each device the last exchange that it answered, -1 for none,
            whose parameters it has (SPEC, section 25); None where all parameters go down whole.
    """

    round: int
    exchange: int
    turns: Integers
    energy: int | None = field(default=None, kw_only=True)
    energy_shift: int = field(default=0, kw_only=True)
    far: Integers | None = field(default=None, kw_only=True)
    held: Integers | None = field(default=None, kw_only=True)


StateT = TypeVar("StateT", bound=ScheduleState)
"""A run's state: where it stands, and what was learnt up to there."""

SeenT = TypeVar("SeenT", bound=ScheduleState, contravariant=True)
"""The same for those who only look at a state."""
