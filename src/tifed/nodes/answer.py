"""What a node answers."""

from collections.abc import Callable, Iterable

from tifed.errors import TifedError
from tifed.federation import OwnDataFleet, with_own_data
from tifed.federation.sum_numbers import SumNumbers
from tifed.nodes.asked import ordered_plan, summed_calibration, trained
from tifed.nodes.context import NodeContext
from tifed.nodes.masked_answers import MASKED, PLAIN, masked
from tifed.nodes.messages.content import (
    Content,
    MessageError,
    absence,
    message,
    parameters_from,
    refusal,
    update_message,
)
from tifed.nodes.messages.device_ranges import to_ranges
from tifed.nodes.messages.own_data import counted, personalised, scored, work_from

UNSAID = "it has not answered"
"""In place of a reason, where there is none."""


def answer(node: NodeContext, content: Content) -> Content:
    """What ``node`` says to a message; a refusal with the reason if it cannot do it."""
    try:
        if content.kind in MASKED and node.masked:
            return masked(node, content)
        if content.kind in PLAIN and node.masked:
            raise MessageError(
                f"will not answer {content.kind!r} without masks: this experiment has "
                "privacy.secure_aggregation = true"
            )
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
    asked, sums = summed_calibration(node, content)
    absent = _missing(node, "calibrate", asked.tolist(), sums.devices.tolist())
    return message(
        "calibrate", node.experiment, {"devices": to_ranges(sums.devices), "total": sums.total},
        samples=sums.samples, squares=sums.squares, **absence(absent),
    )  # fmt: skip


def _fit(node: NodeContext, content: Content) -> Content:
    """The sum of the updates of the devices that are asked; with noise, the same one each time."""
    plan = ordered_plan(node, content)
    parameters = parameters_from(content, node.network)

    def say() -> Content:
        numbers = SumNumbers(node.orders.federation, plan, parameters)
        return update_message(node.experiment, numbers, trained(node, plan, parameters))

    return node.last.once(content, plan.exchange, node.data, say) if node.noisy else say()


def _evaluate(node: NodeContext, content: Content) -> Content:
    """Scores of the hosted devices on their own samples."""
    parameters = parameters_from(content, node.network)
    scores = list(node.fleet.evaluate(parameters))
    absent = _missing(node, "evaluate", node.devices, (score.device for score in scores))
    return scored(node.experiment, scores, absent, node.network.classes)


def _counts(node: NodeContext, content: Content) -> Content:
    """How many samples of their own the devices that are asked have."""
    del content
    counts = list(_own(node).counts())
    absent = _missing(node, "counts", node.devices, (one.device for one in counts))
    return counted(node.experiment, counts, absent)


def _keep(node: NodeContext, content: Content) -> Content:
    """Give a model to the hosted devices, which keep it."""
    fleet, number = _own(node), content.integer("round")
    node.orders.check_round(number)
    fleet.keep(parameters_from(content, node.network), number)
    reasons = node.left_out("keep")
    told = dict.fromkeys(reasons, UNSAID) if node.masked else reasons
    return message("keep", node.experiment, {}, **absence(told))


def _personalise(node: NodeContext, content: Content) -> Content:
    """What personal rounds give the hosted devices."""
    fleet, work = _own(node), work_from(content, node.network)
    node.orders.check_personal(work)
    scores = list(fleet.personalise(parameters_from(content, node.network), work))
    absent = _missing(node, "personalise", node.devices, (score.device for score in scores))
    return personalised(node.experiment, scores, absent)


def _missing(
    node: NodeContext, kind: str, asked: Iterable[int], answered: Iterable[int]
) -> dict[int, str]:
    """Which devices with data of their own have not answered, and why, if that may be told.

    With secure aggregation it may not: it would say how many samples a device has.
    """
    if not node.orders.federation.own_data:
        return {}
    reasons = {} if node.masked else node.left_out(kind)
    return {device: reasons.get(device, UNSAID) for device in sorted(set(asked) - set(answered))}


def _own(node: NodeContext) -> OwnDataFleet:
    """The devices of a run with own data."""
    if not node.orders.federation.own_data:
        raise MessageError("asks for what goes with own_data = true, which this run has not")
    return with_own_data(node.fleet)


_ANSWERS: dict[str, Callable[[NodeContext, Content], Content]] = {
    "hello": _hello,
    "calibrate": _calibrate,
    "fit": _fit,
    "evaluate": _evaluate,
    "counts": _counts,
    "keep": _keep,
    "personalise": _personalise,
}
