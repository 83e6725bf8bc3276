"""What a node says, checked against what it was asked; nothing else reaches the aggregation."""

from dataclasses import fields

import numpy as np

from tifed.federation import (
    DeviceScore,
    FeatureSums,
    Federation,
    Jobs,
    LayerSum,
    Plan,
    Update,
)
from tifed.federation.counts import impossible_counts, impossible_squares
from tifed.federation.sum_numbers import SumNumbers
from tifed.federation.update import NO_NORMS
from tifed.nodes.messages.content import LONGEST_REASON, Content, MessageError
from tifed.nodes.messages.device_ranges import from_ranges
from tifed.nodes.messages.sums import check_within, sums_from_bytes
from tifed.printable import printable
from tifed.rule.integer.rounding import Integers
from tifed.rule.learning import Statistics, norm_of
from tifed.rule.learning.clipping import largest_squares

MOST_BYTES = 1 << 53
"""That devices can have sent in an exchange."""


def checked_devices(content: Content, devices: int, asked: Integers) -> Integers:
    """The devices in a reply, of ``devices`` in all, which are some of those asked; ascending.

    Raises:
        MessageError: if they are not, or one is named twice.
    """
    try:
        found = from_ranges(content.array("devices", np.int64, (None, 2)), devices)
    except ValueError as error:
        raise MessageError(str(error)) from error
    places = np.minimum(np.searchsorted(asked, found), max(0, len(asked) - 1))
    strangers = found[asked[places] != found] if len(asked) else found
    if len(strangers):
        raise MessageError(f"has device {strangers[0]}, which it was not asked for")
    return found


def checked_sums(
    content: Content, federation: Federation, asked: Integers, samples: int
) -> FeatureSums:
    """The sums of a calibration reply.

    Raises:
        MessageError: if a device, a count or a sum is impossible.
    """
    devices = checked_devices(content, federation.devices, asked)
    total = content.array("total", np.int64, (federation.network.features,))
    counted = content.integer("samples")
    expected = int(np.minimum(samples, federation.lengths[devices]).sum())
    if counted != expected:
        raise MessageError(f"counted {counted} samples of {expected}")
    within("total", total, 128 * expected)
    squares = content.integer("squares")
    impossible = impossible_squares(total, squares, counted)
    if impossible is not None:
        raise MessageError(impossible)
    return FeatureSums(total, squares, counted, devices)


def checked_update(content: Content, numbers: SumNumbers) -> Update:
    """The update in a node's reply to the part of a plan that ``numbers`` are for.

    Raises:
        MessageError: if round, exchange, devices, layers, shapes, types, counts or sums are not
            what the jobs can give.
    """
    federation, plan, asked = numbers.federation, numbers.plan, numbers.plan.jobs
    for name, expected in (("round", plan.round), ("exchange", plan.exchange)):
        if content.integer(name) != expected:
            raise MessageError(f"is of {name} {content.integer(name)}, not {expected}")
    devices = checked_devices(content, federation.devices, asked.device)
    jobs = asked.for_devices(devices)
    statistics = _statistics(content)
    if federation.noise is not None:
        if statistics != Statistics():
            raise MessageError("tells what was counted in training, which stays on the devices")
    else:
        impossible = impossible_counts(federation.network, jobs, federation.batch, statistics)
        if impossible is not None:
            raise MessageError(impossible)
    # A site's part of noise that sites share is in every layer, though none of its devices answers.
    shared = federation.noise is not None and federation.noise.sites > 1
    weights = [jobs.samples[jobs.of_layer(layer)] for layer in range(federation.network.depth)]
    layers = [layer for layer, own in enumerate(weights) if len(own) or shared]
    found = content.values.get("layers")
    if found != layers:
        raise MessageError(f"has layers {found}, not {layers}")
    counts = {name: _counts(content, name, len(layers)) for name in ("samples", "counts")}
    behind = {number: int(weights[number].sum()) for number in layers}
    for place, number in enumerate(layers):
        told = counts["samples"][place], counts["counts"][place]
        if told != (behind[number], len(weights[number])):
            raise MessageError(f"layer {number} counts other samples or devices than it was asked")
    coded = _counts(content, "coded", len(layers)) if federation.frame else [0] * len(layers)
    if min(coded, default=0) < 0:
        raise MessageError(f"coded has {min(coded)}")
    data = content.array("sums", np.uint8, (None,))
    try:
        found_sums = sums_from_bytes(numbers, data, coded, behind, devices)
    except ValueError as error:
        raise MessageError(str(error)) from error
    sums = {}
    for number, (weight, bias) in found_sums.items():
        layer, samples = federation.network.layers[number], behind[number]
        reach, noise = federation.weight_reach(number), numbers.noise
        within(f"layer {number}, weights", weight, reach * samples + noise)
        within(f"layer {number}, biases", bias, layer.bias_bound * samples + noise)
        sums[number] = LayerSum(weight, bias, samples, len(weights[number]))
    absent = checked_absence(content, asked.device, devices)
    norms = _norms(content, federation, plan, jobs) if plan.bounded else NO_NORMS
    sent = content.integer("bytes_up") if numbers.tells_bytes else None
    if sent is not None and sent > MOST_BYTES:
        raise MessageError(f"bytes_up is more than {MOST_BYTES}")
    return Update(devices, sums, statistics, absent, norms, sent)


def _norms(content: Content, federation: Federation, plan: Plan, jobs: Jobs) -> Integers:
    """The norms of updates before they were held to bounds, of all that changed or by layer."""
    if not len(jobs):  # of a node none of whose devices has answered
        return NO_NORMS
    depth = federation.network.depth
    norms = content.array("norms", np.int64, (len(jobs), depth if plan.clips else 1))
    most = norm_of(largest_squares(federation.network))
    if norms.size and not 0 <= int(norms.min()) <= int(norms.max()) <= most:
        raise MessageError(f"norms has one that is not in 0..{most}")
    for layer in range(depth) if plan.clips else ():
        if norms[~jobs.of_layer(layer), layer].any():
            raise MessageError(f"norms has one of layer {layer} of a device that does not train it")
    return norms


def checked_scores(content: Content, federation: Federation, asked: Integers) -> list[DeviceScore]:
    """Scores of some of the devices that were asked.

    Raises:
        MessageError: if a device or a count is impossible.
    """
    owned = federation.owned or federation.streams
    rows = checked_rows(content, "scores", 3, asked)
    scores = [DeviceScore(device, correct, samples) for device, correct, samples in rows]
    for score in scores:
        if score.samples != owned[score.device]:
            raise MessageError(f"scores {score.samples} samples of device {score.device}")
        if not 0 <= score.correct <= score.samples:
            raise MessageError(f"scores {score.correct} of {score.samples} samples as right")
    return scores


def checked_rows(content: Content, name: str, columns: int, asked: Integers) -> list[list[int]]:
    """The rows of the table called ``name``, each of which begins with the number of a device.

    Raises:
        MessageError: if it is not a table with so many columns, or a device is there twice, or was
            not asked.
    """
    rows: list[list[int]] = content.array(name, np.int64, (None, columns)).tolist()
    left = set(asked.tolist())
    for device, *_ in rows:
        if device not in left:
            known = device in asked
            why = "twice" if known else "which it was not asked for"
            raise MessageError(f"{name} has device {device}{'' if known else ','} {why}")
        left.remove(device)
    return rows


def checked_absence(content: Content, asked: Integers, answered: Integers) -> dict[int, str]:
    """Devices that a node could not reach, and why, in its own words.

    Raises:
        MessageError: if there is one that has answered or was not asked, or no reason for each.
    """
    devices, reasons = content.values.get("absent", []), content.values.get("reasons", [])
    if not devices and not reasons:
        return {}
    missing = set(asked.tolist()) - set(answered.tolist())
    sound = (
        isinstance(devices, list)
        and isinstance(reasons, list)
        and len(devices) == len(reasons)
        and all(type(device) is int and device in missing for device in devices)
        and all(isinstance(reason, str) for reason in reasons)
    )
    if not sound:
        raise MessageError("says of devices that they are absent, but not of which and why")
    return {
        device: printable(reason[:LONGEST_REASON])
        for device, reason in zip(devices, reasons, strict=True)
    }


def _statistics(content: Content) -> Statistics:
    counts = _counts(content, "statistics", len(fields(Statistics)))
    if min(counts) < 0:
        raise MessageError(f"statistics has {min(counts)}")
    return Statistics(*counts)


def _counts(content: Content, name: str, length: int) -> list[int]:
    """A list of ``length`` whole numbers."""
    found = content.values.get(name)
    if not isinstance(found, list) or [type(value) for value in found] != [int] * length:
        raise MessageError(f"{name} is not a list of {length} whole numbers")
    return found


def within(name: str, array: Integers, bound: int) -> None:
    """Refuse sums that no samples or parameters within their bounds can give."""
    try:
        check_within(name, array, bound)
    except ValueError as error:
        raise MessageError(str(error)) from error
