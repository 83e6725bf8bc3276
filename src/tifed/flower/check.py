"""What a node says, checked against what it was asked; nothing else reaches the aggregation."""

from collections.abc import Collection, Sequence
from dataclasses import fields

import numpy as np

from tifed.federation import DeviceScore, FeatureSums, Federation, Job, LayerSum, Plan, Update
from tifed.federation.costs import visits
from tifed.flower.devices import from_ranges
from tifed.flower.format import Content, MessageError
from tifed.integer.rounding import Integers
from tifed.learning import Statistics


def checked_devices(content: Content, federation: Federation, asked: Collection[int]) -> list[int]:
    """The devices in a reply, which are some of those that were asked.

    Raises:
        MessageError: if they are not, or one is named twice.
    """
    try:
        ranges = content.array("devices", np.int64, (None, 2))
        devices = from_ranges(ranges, federation.devices)
    except ValueError as error:
        raise MessageError(str(error)) from error
    strangers = set(devices) - set(asked)
    if strangers:
        raise MessageError(f"has device {min(strangers)}, which it was not asked for")
    return list(devices)


def checked_sums(
    content: Content, federation: Federation, asked: Collection[int], samples: int
) -> tuple[list[int], FeatureSums]:
    """The devices and sums of a calibration reply.

    Raises:
        MessageError: if a count or a sum is impossible.
    """
    devices = checked_devices(content, federation, asked)
    total = content.array("total", np.int64, (federation.network.features,))
    counted = content.integer("samples")
    expected = sum(min(samples, federation.streams[device]) for device in devices)
    if counted != expected:
        raise MessageError(f"counted {counted} samples of {expected}")
    _within("total", total, 128 * expected)
    return devices, FeatureSums(total, counted)


def checked_update(
    content: Content, federation: Federation, plan: Plan, jobs: Sequence[Job]
) -> Update:
    """The update in a node's reply to ``jobs``, a part of ``plan``.

    Raises:
        MessageError: if round, exchange, devices, layers, shapes, types, counts or sums are not
            what the jobs can give.
    """
    for name, expected in (("round", plan.round), ("exchange", plan.exchange)):
        if content.integer(name) != expected:
            raise MessageError(f"is of {name} {content.integer(name)}, not {expected}")
    by_device = {job.device: job for job in jobs}
    devices = checked_devices(content, federation, by_device)
    answered = [by_device[device] for device in devices]
    statistics = _statistics(content)
    trained = sum(visits(job, federation.batch) for job in answered)
    if statistics.visits != trained or statistics.missed > trained:
        raise MessageError(
            f"counted {statistics.visits} visits and {statistics.missed} misses of {trained}"
        )
    layers = sorted({layer for job in answered for layer in job.layers})
    found = content.values.get("layers")
    if found != layers:
        raise MessageError(f"has layers {found}, not {layers}")
    counts = {name: _counts(content, name, len(layers)) for name in ("samples", "counts")}
    sums = {}
    for place, number in enumerate(layers):
        layer = federation.network.layers[number]
        own = [job.samples for job in answered if number in job.layers]
        if (counts["samples"][place], counts["counts"][place]) != (sum(own), len(own)):
            raise MessageError(f"layer {number} counts other samples or devices than it was asked")
        shape = (layer.fan_in, layer.fan_out)
        weight = content.array(f"layer.{number}.weight", np.int64, shape)
        bias = content.array(f"layer.{number}.bias", np.int64, shape[1:])
        _within(f"layer.{number}.weight", weight, layer.weight_bound * sum(own))
        _within(f"layer.{number}.bias", bias, layer.bias_bound * sum(own))
        sums[number] = LayerSum(weight, bias, sum(own), len(own))
    return Update(tuple(devices), sums, statistics)


def checked_scores(
    content: Content, federation: Federation, asked: Collection[int]
) -> list[DeviceScore]:
    """Scores of some of the devices that were asked.

    Raises:
        MessageError: if a device or a count is impossible.
    """
    table = content.array("scores", np.int64, (None, 3))
    scores = [DeviceScore(*row) for row in table.tolist()]
    if len({score.device for score in scores}) != len(scores):
        raise MessageError("scores a device twice")
    for score in scores:
        if score.device not in asked:
            raise MessageError(f"scores device {score.device}, which it was not asked for")
        if score.samples != federation.streams[score.device]:
            raise MessageError(f"scores {score.samples} samples of device {score.device}")
        if not 0 <= score.correct <= score.samples:
            raise MessageError(f"scores {score.correct} of {score.samples} samples as right")
    return scores


def _statistics(content: Content) -> Statistics:
    return Statistics(*(content.integer(field.name) for field in fields(Statistics)))


def _counts(content: Content, name: str, length: int) -> list[int]:
    """A list of ``length`` whole numbers."""
    found = content.values.get(name)
    if not isinstance(found, list) or [type(value) for value in found] != [int] * length:
        raise MessageError(f"{name} is not a list of {length} whole numbers")
    return found


def _within(name: str, array: Integers, bound: int) -> None:
    """Refuse sums that no parameters within their bounds can give."""
    if array.size and (int(array.max()) > bound or int(array.min()) < -bound):
        raise MessageError(f"{name} has a sum beyond ±{bound}")
