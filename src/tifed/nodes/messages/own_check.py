"""What a node says of devices that have their samples themselves, checked by what is asked.

Nobody but the device knows its samples, so a server believes their number. Where it has the data
set that the devices' samples are parts of, as with simulated devices, it knows the numbers too.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from tifed.federation import DeviceCounts, DeviceScore, FeatureSums, PersonalScore
from tifed.federation.counts import impossible_squares
from tifed.fleets import FleetInputs
from tifed.nodes.messages.check import checked_devices, checked_rows, within
from tifed.nodes.messages.content import Content, MessageError
from tifed.nodes.messages.own_data import COUNTS, MOST_SAMPLES
from tifed.rule.integer.rounding import Integers


@dataclass(frozen=True)
class OwnSamples:
    """How many samples devices have, as far as the server knows.

    Attributes:
        devices: in the federation.
        features: of a sample.
        classes: of a sample's label.
        training: int64 (devices,), of each; None if it is not known.
        held_out: int64 (devices,), of each; None if it is not known.
    """

    devices: int
    features: int
    classes: int
    training: Integers | None = None
    held_out: Integers | None = None

    @classmethod
    def of(cls, inputs: FleetInputs) -> Self:
        """From a run's data; where the samples are on the devices alone, there are none."""
        training, held_out = (
            np.array([len(stream) for stream in streams], np.int64)
            for streams in (inputs.streams, inputs.held_out)
        )
        network, devices = inputs.network, inputs.federation.devices
        if not training.any() and not held_out.any():
            return cls(devices, network.features, network.classes)
        return cls(devices, network.features, network.classes, training, held_out)


def checked_counts(content: Content, known: OwnSamples, asked: Integers) -> list[DeviceCounts]:
    """How many samples each of the devices that answered has.

    Raises:
        MessageError: if a device was not asked, or cannot have so many.
    """
    found = [DeviceCounts(*row) for row in checked_rows(content, "counts", COUNTS, asked)]
    for counts in found:
        for name, count, own in (
            ("training", counts.training, known.training),
            ("held-out", counts.held_out, known.held_out),
        ):
            _number(f"counts {{}} {name} samples of device {counts.device}", count)
            if own is not None and count != own[counts.device]:
                raise MessageError(
                    f"counts {count} {name} samples of device {counts.device}, "
                    f"which has {own[counts.device]}"
                )
        for name, least in (
            ("update", counts.least_training),
            ("calibration", counts.least_calibration),
            ("score", counts.least_held_out),
        ):
            _number(f"wants {{}} samples for a{'n' * (name == 'update')} {name} "
                    f"of device {counts.device}", least)  # fmt: skip
    return found


def checked_own_sums(
    content: Content, known: OwnSamples, asked: Integers, samples: int
) -> FeatureSums:
    """The sums of a calibration over first training samples.

    Raises:
        MessageError: if a device, a count or a sum is impossible.
    """
    devices = checked_devices(content, known.devices, asked)
    total = content.array("total", np.int64, (known.features,))
    counted, most = content.integer("samples"), samples * len(devices)
    if known.training is not None:
        most = int(np.minimum(samples, known.training[devices]).sum())
    least = len(devices) if known.training is None else most
    if not least <= counted <= most:
        wanted = str(most) if least == most else f"{least} to {most}"
        raise MessageError(f"counted {counted} samples of {wanted}")
    within("total", total, 128 * counted)
    squares = content.integer("squares")
    impossible = impossible_squares(total, squares, counted)
    if impossible is not None:
        raise MessageError(impossible)
    return FeatureSums(total, squares, counted, devices)


def checked_own_scores(content: Content, known: OwnSamples, asked: Integers) -> list[DeviceScore]:
    """Scores on held-out samples, of those devices that answered.

    Raises:
        MessageError: if a device was not asked, or cannot have such a score.
    """
    by_class: dict[int, tuple[tuple[int, int], ...]] = {}
    if "classes" in content.arrays:
        for device, *counts in checked_rows(content, "classes", 1 + 2 * known.classes, asked):
            by_class[device] = tuple(zip(counts[::2], counts[1::2], strict=True))
    scores = []
    for device, correct, samples in checked_rows(content, "scores", 3, asked):
        _score(known, device, correct, samples)
        classes = by_class.pop(device, ())
        if classes:
            sums = tuple(map(sum, zip(*classes, strict=True)))
            if sums != (correct, samples) or any(not 0 <= right <= own for right, own in classes):
                raise MessageError(
                    f"scores device {device} by class otherwise than with {correct} of {samples} "
                    "samples as right"
                )
        scores.append(DeviceScore(device, correct, samples, classes))
    if by_class:
        raise MessageError(f"scores device {min(by_class)} by class alone")
    return scores


def checked_personal(content: Content, known: OwnSamples, asked: Integers) -> list[PersonalScore]:
    """What personal rounds gave those devices that answered.

    Raises:
        MessageError: if a device was not asked, or cannot have such scores.
    """
    rows = checked_rows(content, "scores", 4, asked)
    for device, before, after, samples in rows:
        _score(known, device, before, samples)
        _score(known, device, after, samples)
    return [PersonalScore(*row) for row in rows]


def _score(known: OwnSamples, device: int, correct: int, samples: int) -> None:
    """Refuse a score that no device has, or not this one."""
    own = None if known.held_out is None else known.held_out[device]
    if not 1 <= samples <= MOST_SAMPLES or own not in (None, samples):
        raise MessageError(f"scores {samples} samples of device {device}")
    if not 0 <= correct <= samples:
        raise MessageError(f"scores {correct} of {samples} samples as right")


def _number(what: str, count: int) -> None:
    """Refuse a number of samples that no device can have."""
    if not 0 <= count <= MOST_SAMPLES:
        raise MessageError(what.format(count))
