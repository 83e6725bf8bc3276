"""A node's half: a ClientApp, started for each message, that answers as `tifed.nodes.node` does."""

from collections.abc import Sequence

from flwr.app import ConfigRecord, Context, Error, Message, RecordDict
from flwr.clientapp import ClientApp
from flwr.clientapp.typing import Mod
from flwr.common.constant import ErrorCode

from tifed.errors import TifedError
from tifed.nodes.context import named
from tifed.nodes.flower.format import HEAD, not_ours, pack, unpack
from tifed.nodes.flower.said import Said
from tifed.nodes.flower.settings import from_run_config
from tifed.nodes.kept import Kept
from tifed.nodes.kept_residuals import KeptResiduals
from tifed.nodes.last_answer import LastAnswer
from tifed.nodes.messages.content import Content, MessageError, refusal
from tifed.nodes.node import Node, Request
from tifed.nodes.serving.settings import Settings
from tifed.nodes.site_memory import SiteMemory
from tifed.nodes.terms import NodeTerms

MEMORY, LAST, RESIDUALS = "tifed-site", "tifed-last", "tifed-residuals"
"""In the state that Flower's node keeps between two messages and shows nobody."""


def client_app(
    settings: Settings | None = None,
    terms: NodeTerms | None = None,
    mods: Sequence[Mod] = (),
) -> ClientApp:
    """The ClientApp.

    Args:
        settings: of the run; default what Flower's run configuration says.
        terms: what may be done with a node's own data; default what its configuration says.
        mods: see and pass on each message and its reply, the first one outermost. Those that want
            the arrays of a strategy find none.
    """
    app = ClientApp(mods=list(mods))

    def answer_message(message: Message, context: Context) -> Message:
        if HEAD not in message.content:
            # Flower's strategies show the reason of an error, and of a reply nothing.
            reason = f"the message {not_ours(message.content)}"
            return Message(Error(ErrorCode.UNKNOWN, reason), reply_to=message)
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
        chosen = settings or from_run_config(context.run_config)
        name = named(chosen.experiment)
        content = unpack(request, None, name)
        # Where all nodes are played by one program, none of them is killed alone.
        noted = settings is None
        return pack(_answered(content, context, chosen, terms, noted))
    except (TifedError, MessageError) as error:
        return pack(refusal(name, str(error)))


def _answered(
    content: Content, context: Context, settings: Settings, terms: NodeTerms | None, noted: bool
) -> Content:
    """By the node, which keeps in the state of ``context`` what it has to."""
    node = Node.from_config(context.node_config, terms)
    kept = Kept.of(node.terms.ledger)
    said = Said.of(context, node.terms.ledger) if noted else None
    sessions, last = _kept(context, MEMORY), LastAnswer.from_bytes(_kept(context, LAST))
    if said is not None:
        sessions, last = said.sessions(sessions), said.last(last)
    kept.work, kept.sessions = settings.experiment, SiteMemory.from_bytes(sessions)
    if kept.last.file is None:
        kept.last = last
    if node.terms.ledger is None:
        kept.residuals = _residuals(context)
    request = Request(settings.experiment, content, settings.timeout, settings.data_dir)
    answered = node.answer(request, kept)
    sessions = kept.sessions.to_bytes()
    if said is not None:
        said.note(sessions, kept.last)
    for name, found in (
        (MEMORY, sessions),
        (LAST, b"" if kept.last.file is not None else kept.last.to_bytes()),
    ):
        if found:
            context.state[name] = ConfigRecord({name: found})
    if node.terms.ledger is None and kept.residuals:
        context.state[RESIDUALS] = ConfigRecord(
            {owner: found.to_bytes() for owner, found in kept.residuals.items()}
        )
    return answered


def _residuals(context: Context) -> dict[str, KeptResiduals]:
    """What devices have left of their changes; a run has one experiment."""
    kept = context.state.get(RESIDUALS)
    found = kept.items() if isinstance(kept, ConfigRecord) else ()
    return {owner: KeptResiduals.from_bytes(v) for owner, v in found if isinstance(v, bytes)}


def _kept(context: Context, name: str) -> bytes:
    """What the node has kept since its last message, which was perhaps another process's."""
    kept = context.state.get(name)
    found = kept.get(name) if isinstance(kept, ConfigRecord) else None
    return found if isinstance(found, bytes) else b""
