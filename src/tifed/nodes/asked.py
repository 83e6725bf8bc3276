"""What a message asks of a node's devices, as far as it may be asked."""

import numpy as np

from tifed.federation import FeatureSums, Plan, Update, total
from tifed.nodes.context import NodeContext
from tifed.nodes.messages.content import Content, MessageError, plan_from
from tifed.nodes.messages.device_ranges import from_ranges
from tifed.rule.integer.rounding import Integers
from tifed.rule.network import Parameters
from tifed.secure_aggregation.vectors import feature_total


def asked_devices(node: NodeContext, content: Content) -> Integers:
    """The devices that a message names, which are hosted here.

    Raises:
        MessageError: if one is not.
    """
    ranges = content.array("devices", np.int64, (None, 2))
    try:
        devices = from_ranges(ranges, node.devices.stop)
    except ValueError as error:
        raise MessageError(str(error)) from error
    if len(devices) and devices[0] not in node.devices:
        raise MessageError(f"device {devices[0]} is not hosted here")
    return devices


def ordered_plan(node: NodeContext, content: Content) -> Plan:
    """The plan of a message, which is one of this run.

    Raises:
        MessageError: if it is none, or may not be asked for.
    """
    federation = node.orders.federation
    plan = plan_from(content, node.network, node.devices, federation.upload.residual)
    node.orders.check_plan(plan)
    # How weights travel follows from the experiment, so no message says it.
    return federation.with_changes(plan)


def trained(node: NodeContext, plan: Plan, parameters: Parameters) -> Update:
    """The sum of the updates of the devices in ``plan``, which has what was asked for.

    What they have left of their changes is kept here.
    """
    update = total(node.fleet.fit(node.residuals.before(plan), parameters))
    node.residuals.keep(plan, update, node.back_to(plan))
    return update


def summed_calibration(node: NodeContext, content: Content) -> tuple[Integers, FeatureSums]:
    """The devices that a message asks, and the feature sums of those that answer.

    Raises:
        MessageError: if it may not be asked for.
    """
    asked, samples = asked_devices(node, content), content.integer("samples")
    node.orders.check_calibration(samples)
    parts = list(node.fleet.calibrate(asked.tolist(), samples))
    return asked, feature_total(parts, node.network.features)
