"""A node whose program stays from one message to the next."""

from tifed.errors import TifedError
from tifed.nodes.context import named
from tifed.nodes.kept import Kept
from tifed.nodes.messages.content import Content, MessageError, check_head, refusal
from tifed.nodes.node import Node, Request


class ResidentNode:
    """Answers in this process, and keeps in it what it has to. Not for several threads at once.

    Attributes:
        kept: from one message to the next.
    """

    def __init__(self, node: Node) -> None:
        """Nothing has been asked yet.

        Raises:
            UsageError: if what the node's ledger has kept cannot be read.
        """
        self._node = node
        self.kept = Kept.of(node.terms.ledger)

    def answer(self, request: Request) -> Content:
        """What the node says; a refusal with the reason if it cannot do it."""
        name = ""
        try:
            name = named(request.experiment)
            check_head(request.content.values, None, name)
            return self._node.answer(request, self.kept)
        except (TifedError, MessageError) as error:
            return refusal(name, str(error))
