"""What a device is asked to do in one exchange, and what it counts while doing so."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tifed.rule.compression import Change


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
        energy_shift: added to the first layer's update shift too; the sum is in 0..30.
    """

    batch: int
    first_step: int
    steps: int
    layers: tuple[int, ...]
    extra_shift: int = 0
    seed: int = 0
    device: int = 0
    exchange: int = 0
    energy_shift: int = 0

    def update_shift(self, number: int, own: int) -> int:
        """What gradients of layer ``number``, whose own update shift is ``own``, are shifted by.

        >>> work = LocalWork(10, 0, 1, (0, 1), extra_shift=1, energy_shift=-3)
        >>> [work.update_shift(number, 9) for number in work.layers]
        [7, 10]
        """
        return own + self.extra_shift + (0 if number else self.energy_shift)


@dataclass(frozen=True)
class SharedSamples:
    """Samples that many devices read, each along its own part of ``order``.

    Attributes:
        samples: int8 (M, D), of all devices; or (copies, M, D), of which each visit takes one.
        labels: int32 (M,).
        order: int64 (n,), the devices' streams one after the other, entries 0..M-1.
    """

    samples: NDArray[np.int8]
    labels: NDArray[np.int32]
    order: NDArray[np.int64]


@dataclass(frozen=True)
class FleetJobs:
    """Many devices' parts in one exchange: a device's is the same entry of every array, int64 (J,).

    Attributes:
        device: logical number of the device.
        begin: where in `SharedSamples.order` its stream begins.
        end: where it ends.
        position: where in the stream its buffer begins; past the stream's end it starts over.
        samples: length of the buffer.
        first_step: number of the first step, counted from the buffer's first.
        steps: how many steps.
        layers: the layers to train, as bits.
        weight: what its parameters are multiplied with in the sums.
        clip: bound on the norm of all that it changes, before that; 0 for none.
    """

    device: NDArray[np.int64]
    begin: NDArray[np.int64]
    end: NDArray[np.int64]
    position: NDArray[np.int64]
    samples: NDArray[np.int64]
    first_step: NDArray[np.int64]
    steps: NDArray[np.int64]
    layers: NDArray[np.int64]
    weight: NDArray[np.int64]
    clip: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.device)


@dataclass(frozen=True)
class FleetWork:
    """What many devices are asked to do in one exchange; see `LocalWork`.

    Attributes:
        jobs: each device's part.
        batch: samples per mini-batch.
        extra_shift: added to every layer's update shift.
        seed: of the experiment.
        exchange: number of the exchange.
        energy_shift: added to the first layer's update shift.
        upload: per layer how weights go up, from what they are after all steps and within the
            bound; () where they go up whole.
        round: number of the round, which says what rows of them do.
        frame: bytes that a frame of coded short numbers has at most, for their frames to be
            counted; 0 where they are not coded.
        residuals: per layer of whose changes devices keep what is left, int8 (J, fan_in, fan_out)
            what each job's device had left before; 0 for layers that are not there.
        clips: per layer a bound on the norm of what a job changes in it, 1 or more, in place of
            the jobs' own ``clip``; () for none.
        steps_per_buffer: after so many steps, counted as ``first_step`` is, the samples behind the
            buffer take its place; 0 for never.
    """

    jobs: FleetJobs
    batch: int
    extra_shift: int = 0
    seed: int = 0
    exchange: int = 0
    energy_shift: int = 0
    upload: tuple[Change, ...] = ()
    round: int = 0
    frame: int = 0
    residuals: Mapping[int, NDArray[np.int8]] = field(default_factory=dict)
    clips: tuple[int, ...] = ()
    steps_per_buffer: int = 0


LayerSums = dict[int, tuple[NDArray[np.int64], NDArray[np.int64]]]
"""Per trained layer the sums of weights (fan_in, fan_out) and biases (fan_out,)."""


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


@dataclass(frozen=True)
class FleetResult:
    """What many devices have made of the same parameters.

    Attributes:
        sums: over jobs, of the layers that at least one of them trains, of weights as they arrive
            (SPEC, section 25).
        statistics: counts over all of them.
        norms: int64 (J, layers), with ``clips`` the norm of what each job had changed in each
            layer, 0 in one that it does not train; else int64 (J, 1), of each job with a bound the
            norm of all that it had changed, and 0 of others.
        coded: int64 (J, 2), of each job the bytes and the number of the frames of its short
            numbers, a layer's in frames of its own; 0 where none are coded.
        residuals: per layer of whose changes something is kept, int8 (J, fan_in, fan_out), what
            each job's device has left now; as before in layers that it does not train.
    """

    sums: LayerSums
    statistics: Statistics
    norms: NDArray[np.int64]
    coded: NDArray[np.int64]
    residuals: Mapping[int, NDArray[np.int8]] = field(default_factory=dict)
