"""What a node answers."""

from collections.abc import Callable

import numpy as np

from tifed.errors import TifedError
from tifed.federation import total
from tifed.nodes.messages.content import (
    Content,
    MessageError,
    message,
    parameters_from,
    plan_from,
    refusal,
    update_message,
)
from tifed.nodes.messages.devices import from_ranges, to_ranges
from tifed.nodes.site import Site


def answer(here: Site, content: Content) -> Content:
    """What ``here`` says to a message; a refusal with the reason if it cannot do it."""
    try:
        if content.kind not in _ANSWERS:
            raise MessageError(f"{content.kind[:20]!r} is not something that a node can do")
        return _ANSWERS[content.kind](here, content)
    except (MessageError, TifedError) as error:
        return refusal(here.experiment, str(error))


def _hello(here: Site, content: Content) -> Content:
    """Which devices are here, and on which data."""
    return message("hello", here.experiment, {"devices": to_ranges(here.devices)}, data=here.data)


def _calibrate(here: Site, content: Content) -> Content:
    """Feature sums over the first samples of the devices that are asked."""
    ranges = content.array("devices", np.int64, (None, 2))
    try:
        devices = from_ranges(ranges, here.devices.stop)
    except ValueError as error:
        raise MessageError(str(error)) from error
    if len(devices) and devices[0] not in here.devices:
        raise MessageError(f"device {devices[0]} is not hosted here")
    summed, samples, answered = np.zeros(here.network.features, np.int64), 0, [devices[:0]]
    for sums in here.fleet.calibrate(devices.tolist(), content.integer("samples")):
        summed += sums.total
        samples += sums.samples
        answered.append(sums.devices)
    arrays = {"devices": to_ranges(np.sort(np.concatenate(answered))), "total": summed}
    return message("calibrate", here.experiment, arrays, samples=samples)


def _fit(here: Site, content: Content) -> Content:
    """The sum of the updates of the devices that are asked."""
    plan = plan_from(content, here.network, here.devices)
    parameters = parameters_from(content, here.network)
    update = total(here.fleet.fit(plan, parameters))
    return update_message(here.experiment, plan, update)


def _evaluate(here: Site, content: Content) -> Content:
    """Scores of the hosted devices, int64 (devices, 3): device, correct, samples."""
    parameters = parameters_from(content, here.network)
    scores = [(s.device, s.correct, s.samples) for s in here.fleet.evaluate(parameters)]
    table = np.array(scores, np.int64).reshape(len(scores), 3)
    return message("evaluate", here.experiment, {"scores": table})


_ANSWERS: dict[str, Callable[[Site, Content], Content]] = {
    "hello": _hello,
    "calibrate": _calibrate,
    "fit": _fit,
    "evaluate": _evaluate,
}
