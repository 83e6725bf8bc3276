"""A node's half: a ClientApp, started for each message, that answers as `tifed.nodes.node` does."""

from collections.abc import Sequence

from flwr.app import ConfigRecord, Context, Error, Message, RecordDict
from flwr.clientapp import ClientApp
from flwr.clientapp.typing import Mod
from flwr.common.constant import ErrorCode

from tifed.errors import TifedError
from tifed.nodes.context import named
from tifed.nodes.flower.format import HEAD, not_ours, pack, unpack
from tifed.nodes.flower.settings import from_run_config
from tifed.nodes.kept import Kept
from tifed.nodes.last_answer import LastAnswer
from tifed.nodes.messages.content import Content, MessageError, refusal
from tifed.nodes.node import Node, Request
from tifed.nodes.serving.settings import Settings
from tifed.nodes.site_memory import SiteMemory
from tifed.nodes.terms import NodeTerms

MEMORY, LAST = "tifed-site", "tifed-last"
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
        return pack(_answered(content, context, chosen, terms))
    except (TifedError, MessageError) as error:
        return pack(refusal(name, str(error)))


def _answered(
    content: Content, context: Context, settings: Settings, terms: NodeTerms | None
) -> Content:
    """By the node, which keeps in the state of ``context`` what it has to."""
    node = Node.from_config(context.node_config, terms)
    kept = Kept.of(node.terms.ledger)
    kept.work, kept.sessions = settings.experiment, SiteMemory.from_bytes(_kept(context, MEMORY))
    if kept.last.file is None:
        kept.last = LastAnswer.from_bytes(_kept(context, LAST))
    request = Request(settings.experiment, content, settings.timeout, settings.data_dir)
    answered = node.answer(request, kept)
    for name, found in (
        (MEMORY, kept.sessions.to_bytes()),
        (LAST, b"" if kept.last.file is not None else kept.last.to_bytes()),
    ):
        if found:
            context.state[name] = ConfigRecord({name: found})
    return answered


def _kept(context: Context, name: str) -> bytes:
    """What the node has kept since its last message, which was perhaps another process's."""
    kept = context.state.get(name)
    found = kept.get(name) if isinstance(kept, ConfigRecord) else None
    return found if isinstance(found, bytes) else b""
