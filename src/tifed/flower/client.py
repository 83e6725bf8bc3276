"""A node's half: a ClientApp that answers for the devices it hosts."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from flwr.app import Context, Message, RecordDict
from flwr.clientapp import ClientApp

from tifed.errors import TifedError
from tifed.federation import Update
from tifed.flower import format as wire
from tifed.flower.devices import from_ranges, to_ranges
from tifed.flower.settings import Settings
from tifed.flower.site import Site, site


def client_app(settings: Settings | None = None) -> ClientApp:
    """The ClientApp.

    Args:
        settings: of the run; default what Flower's run configuration says.
    """
    app = ClientApp()

    def answer_message(message: Message, context: Context) -> Message:
        return Message(reply(message.content, context, settings), reply_to=message)

    for register in (app.query(), app.train(), app.evaluate()):
        register(answer_message)
    return app


def reply(request: RecordDict, context: Context, settings: Settings | None) -> RecordDict:
    """What the node of ``context`` says to ``request``; a reason if it cannot do it."""
    try:
        chosen = settings or Settings.from_run_config(context.run_config)
        node = context.node_config
        folder = str(node.get("data-dir", chosen.data_dir))
        here = site(
            chosen.experiment,
            int(node["partition-id"]),
            int(node["num-partitions"]),
            Path(folder) if folder else None,
        )
    except (TifedError, KeyError, ValueError) as error:
        return wire.refusal("", f"{type(error).__name__}: {error}")
    try:
        content = wire.unpack(request, None, here.experiment)
        if content.kind not in ANSWERS:
            raise wire.MessageError(f"{content.kind[:20]!r} is not something that a node can do")
        return ANSWERS[content.kind](here, content)
    except (wire.MessageError, TifedError) as error:
        return wire.refusal(here.experiment, str(error))


def hello(here: Site, content: wire.Content) -> RecordDict:
    """Which devices are here, and on which data."""
    return wire.pack("hello", here.experiment, {"devices": to_ranges(here.devices)}, data=here.data)


def calibrate(here: Site, content: wire.Content) -> RecordDict:
    """Feature sums over the first samples of the devices that are asked."""
    ranges = content.array("devices", np.int64, (None, 2))
    try:
        devices = from_ranges(ranges, here.devices.stop)
    except ValueError as error:
        raise wire.MessageError(str(error)) from error
    if devices and devices[0] not in here.devices:
        raise wire.MessageError(f"device {devices[0]} is not hosted here")
    total, samples = np.zeros(here.network.features, np.int64), 0
    for sums in here.fleet.calibrate(devices, content.integer("samples")):
        total = total + sums.total
        samples += sums.samples
    return wire.pack(
        "calibrate", here.experiment, {"devices": ranges, "total": total}, samples=samples
    )


def fit(here: Site, content: wire.Content) -> RecordDict:
    """The sum of the updates of the devices that are asked."""
    plan = wire.plan_from(content, here.network, here.devices)
    parameters = wire.parameters_from(content, here.network)
    update = sum(here.fleet.fit(plan, parameters), Update())
    return wire.pack_update(here.experiment, plan, update)


def evaluate(here: Site, content: wire.Content) -> RecordDict:
    """Scores of the hosted devices, int64 (devices, 3): device, correct, samples."""
    parameters = wire.parameters_from(content, here.network)
    scores = [(s.device, s.correct, s.samples) for s in here.fleet.evaluate(parameters)]
    table = np.array(scores, np.int64).reshape(len(scores), 3)
    return wire.pack("evaluate", here.experiment, {"scores": table})


ANSWERS: dict[str, Callable[[Site, wire.Content], RecordDict]] = {
    "hello": hello,
    "calibrate": calibrate,
    "fit": fit,
    "evaluate": evaluate,
}
