"""Flower's grid as the way from a server to the nodes of a run."""

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from flwr.app import Message
from flwr.serverapp import Grid

from tifed.nodes.flower.format import Broadcast, unpack, why
from tifed.nodes.messages.content import Arrays, Content, MessageError
from tifed.nodes.messages.masked import MASKED_FIT
from tifed.printable import printable

_TYPES = {"fit": "train", MASKED_FIT: "train", "personalise": "train", "evaluate": "evaluate"}
"""Flower's word for what is asked; "query" for the rest."""
PART = 5
"""How much longer than a look for replies the pause before the next one is at least."""


@dataclass(frozen=True)
class Reply:
    """A reply that Flower has brought.

    Attributes:
        message: it, or Flower's own error.
    """

    message: Message

    def content(self, kind: str | None, experiment: str) -> Content:
        """What it says; see `tifed.nodes.serving.transport.Received`."""
        if (error := why(self.message)) is not None:
            raise MessageError(f"failed: {error}")
        return unpack(self.message.content, kind, experiment)


@dataclass
class GridTransport:
    """A `tifed.nodes.serving.transport.Transport`.

    Attributes:
        grid: Flower's.
        look_every: seconds between two looks at who is there, each of which asks the SuperLink.
    """

    grid: Grid
    look_every: float = 2.0
    _look: float = field(init=False, default=0.0)

    def present(self) -> dict[int, str]:
        """Who is there: by the node's number the name of its key, or else its fingerprint.

        The name is empty where all nodes are one program's, as in Flower's simulation engine.
        """
        # Not of every grid, but of that of a deployment.
        if (get_nodes := getattr(self.grid, "get_nodes", None)) is None:
            return dict.fromkeys(self.grid.get_node_ids(), "")
        return {node.node_id: _site(node.name, node.public_key) for node in get_nodes()}

    def prepare(self, content: Content) -> tuple[str, Broadcast]:
        """Flower's word for it, and what many nodes are sent alike."""
        return _TYPES.get(content.kind, "query"), Broadcast(content)

    def send(
        self, node: int, prepared: tuple[str, Broadcast], own: Arrays, timeout: float
    ) -> str | None:
        """Send it; the number that Flower gives the message, or None if it takes none."""
        word, broadcast = prepared
        message = Message(broadcast.message(own), node, word, ttl=timeout)
        return next((name for name in self.grid.push_messages([message]) if name), None)

    def replies(self, tickets: Sequence[str]) -> Iterator[tuple[str, Reply]]:
        """Those replies that have come."""
        began = time.monotonic()
        found: Iterable[Message] = self.grid.pull_messages(tickets)
        self._look = time.monotonic() - began
        for message in found:
            yield message.metadata.reply_to_message_id, Reply(message)

    def wait(self, seconds: float, stop: threading.Event) -> None:
        """Wait, for Flower tells nobody that something has come.

        A SuperLink works for each look as long as it lasts, and has nodes to serve meanwhile.
        """
        stop.wait(max(seconds, PART * self._look))


def _site(name: str, public_key: bytes) -> str:
    if name:
        return printable(name)
    return f"key {sha256(public_key).hexdigest()[:16]}" if public_key else ""
