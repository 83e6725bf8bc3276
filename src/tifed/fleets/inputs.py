"""What every kind of fleet is made from, whoever does the work."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tifed.data.recorded import Recorded
from tifed.extractor import Extractor
from tifed.federation import DeviceCounts, DeviceScore, Federation
from tifed.federation.device import Stream
from tifed.rule.front_end import FrontEnd
from tifed.rule.integer.rounding import Integers
from tifed.rule.learning.engine import Engine
from tifed.rule.network import Network, Parameters
from tifed.rule.signal import SignalFrontEnd


@dataclass(frozen=True)
class FleetInputs:
    """A run's constants, its data, and who computes here; a fleet adds only what is its own.

    Attributes:
        federation: the run's constants.
        streams: per device its samples, as the network takes them.
        sent: per device its samples as they go over a line: raw if devices make features of them
            themselves, else ``streams``.
        start: the parameters before the first round; layers that no device trains keep them.
        extractor: what devices make features of raw samples with, or of what their front end
            makes of these, if they do.
        engine: who computes the learning rule in this process.
        front_end: what samples in ``sent`` go through first on a device, if they do.
        shifts: height, width and channels of the pictures in ``sent``, if devices make shift copies
            of them.
        own_data: whether devices have their samples themselves, and nobody sends them any.
        held_out: with own data per device its held-out samples, as the network takes them.
        stored: with own data per device all its samples in the order of its store, every
            ``held_out_every``-th of them held out, in the form of ``sent``.
        held_out_every: with own data every how manieth sample of a device is held out.
        signal: the signal front end that made the samples from readings, which devices with own
            data compute themselves; None if there is none.
        recorded: the readings that it made the samples of ``stored`` from, all of them, for devices
            that make them anew; None if they are not known here.
        report_classes: with own data whether devices are asked for their scores by class.
        device_masks: whether what boards have learnt leaves them under masks alone; a simulation
            has none.

    With own data ``streams`` are the devices' training samples. All streams are empty, one for each
    device, where the samples are on the devices alone.
    """

    federation: Federation
    streams: Sequence[Stream]
    sent: Sequence[Stream]
    start: Parameters
    extractor: Extractor | None
    engine: Engine
    front_end: FrontEnd | None = None
    shifts: tuple[int, int, int] | None = None
    own_data: bool = False
    held_out: Sequence[Stream] = ()
    stored: Sequence[Stream] = ()
    held_out_every: int = 0
    signal: SignalFrontEnd | None = None
    recorded: Recorded | None = None
    report_classes: bool = False
    device_masks: bool = False

    @property
    def network(self) -> Network:
        """What every device holds."""
        return self.federation.network

    @property
    def signal_digest(self) -> str | None:
        """SHA-256 of the signal front end that devices with own data compute; None without one."""
        return None if self.signal is None or not self.own_data else self.signal.digest

    @property
    def lengths(self) -> Integers:
        """How many samples there are for each device to train on, int64 (devices,)."""
        return np.array([len(stream) for stream in self.streams], np.int64)

    def scores(self, parameters: Parameters, devices: Iterable[int]) -> Iterator[DeviceScore]:
        """How ``parameters`` do on the samples of each of ``devices``, computed here.

        With own data that is on those held out; a device that has none is left out.
        """

        def classify(samples: NDArray[np.int8]) -> NDArray[np.int32]:
            return self.engine.classify(self.network, parameters, samples)

        for device in devices:
            if not self.own_data:
                yield device_score(device, *self.streams[device].own(), classify)
            elif len(self.held_out[device]):
                classes = self.network.classes if self.report_classes else 0
                yield device_score(device, *self.held_out[device].own(), classify, classes)

    def counts(self, devices: Iterable[int]) -> Iterator[DeviceCounts]:
        """How many samples each of ``devices`` has, with own data that are known here."""
        for device in devices:
            yield DeviceCounts(device, len(self.streams[device]), len(self.held_out[device]))


def device_score(
    device: int,
    samples: NDArray[np.int8],
    labels: NDArray[np.int32],
    classify: Callable[[NDArray[np.int8]], NDArray[np.integer[Any]]],
    classes: int = 0,
) -> DeviceScore:
    """One device's score.

    Args:
        device: its number.
        samples: int8 (n, D).
        labels: int32 (n,).
        classify: from samples to classes (n,).
        classes: how many there are, if scores by class are asked for.
    """
    right = classify(samples) == labels
    all_of, right_of = (np.bincount(x, minlength=classes) for x in (labels, labels[right]))
    by_class = tuple(zip(right_of.tolist(), all_of.tolist(), strict=True)) if classes else ()
    return DeviceScore(device, int(np.count_nonzero(right)), len(labels), by_class)
