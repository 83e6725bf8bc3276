"""What a node answers."""

from collections.abc import Callable

import numpy as np

from tifed.errors import TifedError
from tifed.federation import total
from tifed.nodes.context import NodeContext
from tifed.nodes.messages.content import (
    Content,
    MessageError,
    message,
    parameters_from,
    plan_from,
    refusal,
    update_message,
)
from tifed.nodes.messages.device_ranges import from_ranges, to_ranges


def answer(node: NodeContext, content: Content) -> Content:
    """What ``node`` says to a message; a refusal with the reason if it cannot do it."""
    try:
        if content.kind not in _ANSWERS:
            raise MessageError(f"{content.kind[:20]!r} is not something that a node can do")
        return _ANSWERS[content.kind](node, content)
    except (MessageError, TifedError) as error:
        return refusal(node.experiment, str(error))


def _hello(node: NodeContext, content: Content) -> Content:
    """Which devices the node hosts, and their data."""
    return message("hello", node.experiment, {"devices": to_ranges(node.devices)}, data=node.data)


def _calibrate(node: NodeContext, content: Content) -> Content:
    """Feature sums over the first samples of the devices that are asked."""
    ranges = content.array("devices", np.int64, (None, 2))
    try:
        devices = from_ranges(ranges, node.devices.stop)
    except ValueError as error:
        raise MessageError(str(error)) from error
    if len(devices) and devices[0] not in node.devices:
        raise MessageError(f"device {devices[0]} is not hosted here")
    summed, answered = np.zeros(node.network.features, np.int64), [devices[:0]]
    squares = samples = 0
    for sums in node.fleet.calibrate(devices.tolist(), content.integer("samples")):
        summed += sums.total
        squares += sums.squares
        samples += sums.samples
        answered.append(sums.devices)
    arrays = {"devices": to_ranges(np.sort(np.concatenate(answered))), "total": summed}
    return message("calibrate", node.experiment, arrays, samples=samples, squares=squares)


def _fit(node: NodeContext, content: Content) -> Content:
    """The sum of the updates of the devices that are asked."""
    plan = plan_from(content, node.network, node.devices)
    parameters = parameters_from(content, node.network)
    update = total(node.fleet.fit(plan, parameters))
    return update_message(node.experiment, plan, update)


def _evaluate(node: NodeContext, content: Content) -> Content:
    """Scores of the hosted devices, int64 (devices, 3): device, correct, samples."""
    parameters = parameters_from(content, node.network)
    scores = [(s.device, s.correct, s.samples) for s in node.fleet.evaluate(parameters)]
    table = np.array(scores, np.int64).reshape(len(scores), 3)
    return message("evaluate", node.experiment, {"scores": table})


_ANSWERS: dict[str, Callable[[NodeContext, Content], Content]] = {
    "hello": _hello,
    "calibrate": _calibrate,
    "fit": _fit,
    "evaluate": _evaluate,
}
