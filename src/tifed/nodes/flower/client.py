"""A node's half: a ClientApp that answers for the devices it hosts, or passes on to a gateway."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from flwr.app import ConfigRecord, Context, Message, RecordDict
from flwr.clientapp import ClientApp

from tifed.errors import TifedError, UsageError
from tifed.nodes.acceptance import ANY
from tifed.nodes.answer import answer
from tifed.nodes.context import DeviceSelection, named, simulated_context
from tifed.nodes.flower.format import pack, unpack
from tifed.nodes.flower.settings import Settings
from tifed.nodes.gateway.relay import PATIENCE, ask
from tifed.nodes.kept_residuals import KeptResiduals
from tifed.nodes.last_answer import LastAnswer
from tifed.nodes.messages.content import Content, MessageError, refusal
from tifed.nodes.site_memory import SiteMemory
from tifed.nodes.terms import NodeTerms

MEMORY, LAST, RESIDUALS = "tifed-site", "tifed-last", "tifed-residuals"
"""In the state that Flower's node keeps between two messages and shows nobody."""


def client_app(settings: Settings | None = None, terms: NodeTerms | None = None) -> ClientApp:
    """The ClientApp.

    Args:
        settings: of the run; default what Flower's run configuration says.
        terms: what may be done with a node's own data; default what its configuration says.
    """
    app = ClientApp()

    def answer_message(message: Message, context: Context) -> Message:
        return Message(reply(message.content, context, settings, terms), reply_to=message)

    for register in (app.query(), app.train(), app.evaluate()):
        register(answer_message)
    return app


def reply(
    request: RecordDict,
    context: Context,
    settings: Settings | None,
    terms: NodeTerms | None = None,
) -> RecordDict:
    """What the node of ``context`` says to ``request``; a reason if it cannot do it."""
    name = ""
    try:
        chosen = settings or Settings.from_run_config(context.run_config)
        name = named(chosen.experiment)
        content = unpack(request, None, name)
        return pack(_answered(content, context, chosen, terms))
    except (TifedError, MessageError) as error:
        return pack(refusal(name, str(error)))


def _answered(
    content: Content, context: Context, settings: Settings, terms: NodeTerms | None
) -> Content:
    """By this process, or by the gateway that the node configuration names."""
    node: Mapping[str, Any] = context.node_config
    selection = _selection(node)
    if "gateway" in node:
        NodeTerms.require_none(node)
        patience = node.get("gateway-patience", PATIENCE)
        if type(patience) not in (int, float):
            raise UsageError(f"node configuration: gateway-patience is {patience!r}, not seconds")
        address, tls = str(node["gateway"]), node.get("gateway-tls")
        return ask(
            address, settings.experiment, selection, content, settings.timeout, patience,
            None if tls is None else Path(str(tls)),
        )  # fmt: skip
    terms = terms or NodeTerms.from_config(node)
    # Which files may be read is not for the server to say.
    folder = str(node.get("data-dir", settings.data_dir if terms.accepts == ANY else ""))
    here = simulated_context(
        settings.experiment, selection, Path(folder) if folder else None, terms
    )
    last = LastAnswer.from_bytes(_kept(context, LAST))
    if terms.ledger is not None:
        last = LastAnswer.kept_in(terms.ledger.last)
    residuals = KeptResiduals.from_bytes(_kept(context, RESIDUALS))
    if terms.ledger is not None and here.orders.federation.upload.residual:
        owner = f"{here.experiment} {here.data} {here.devices}"
        residuals = KeptResiduals.kept_in(terms.ledger.folder, owner)
    here = replace(
        here, memory=SiteMemory.from_bytes(_kept(context, MEMORY)), last=last, residuals=residuals
    )
    answered = answer(here, content)
    for name, kept in (
        (MEMORY, here.memory.to_bytes()),
        (LAST, b"" if last.file is not None else last.to_bytes()),
        (RESIDUALS, b"" if residuals.file is not None else residuals.to_bytes()),
    ):
        if kept:
            context.state[name] = ConfigRecord({name: kept})
    return answered


def _kept(context: Context, name: str) -> bytes:
    """What the node has kept since its last message, which was perhaps another process's."""
    kept = context.state.get(name)
    found = kept.get(name) if isinstance(kept, ConfigRecord) else None
    return found if isinstance(found, bytes) else b""


def _selection(node: Mapping[str, Any]) -> DeviceSelection:
    """Which devices the node configuration gives to the node.

    Raises:
        UsageError: naming a key that is wrong.
    """
    wanted = ("first-device",) if "first-device" in node else ("partition-id", "num-partitions")
    for key in wanted:
        if type(node.get(key)) is not int:
            raise UsageError(f"node configuration: {key} is {node.get(key)!r}, not a whole number")
    numbers = [int(node[key]) for key in wanted]
    if len(numbers) == 1:
        return DeviceSelection(first=numbers[0])
    return DeviceSelection(partition=(numbers[0], numbers[1]))
