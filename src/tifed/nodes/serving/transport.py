"""The way from a server to the nodes of one run: what a carrier of messages has to do."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from tifed.nodes.messages.content import Arrays, Content


class Received(Protocol):
    """One reply."""

    def content(self, kind: str | None, experiment: str) -> Content:
        """What it says.

        Args:
            kind: that it has to be of; None for any.
            experiment: digest of the experiment that it has to be about.

        Raises:
            MessageError: if it cannot be read, `tifed.nodes.messages.content.check_head` refuses
                it, or the carrier has an error in its place ("failed: ...").
        """
        ...


class Transport(Protocol):
    """The way to the nodes of one run. Used by one thread.

    Attributes:
        look_every: seconds between two looks at who is there; 0 where a look costs nothing.
    """

    @property
    def look_every(self) -> float: ...  # noqa: D102

    def present(self) -> Mapping[int, str]:
        """Who is there: by the number of a node, 1 or more, the name of its site.

        A node that was started again has another number. The name is empty where all nodes are one
        program's, or nothing is known of them.
        """
        ...

    def prepare(self, content: Content) -> Any:
        """What many nodes are sent alike, in the carrier's form; made once for all of them."""
        ...

    def send(self, node: int, prepared: Any, own: Arrays, timeout: float) -> str | None:
        """Send ``prepared``, and the arrays ``own`` besides, to one node.

        Args:
            node: its number.
            prepared: from `prepare`.
            own: arrays that this node alone gets.
            timeout: seconds after which nobody waits for the answer any more.

        Returns:
            The ticket by which the reply is known, or None if it could not be sent.
        """
        ...

    def replies(self, tickets: Sequence[str]) -> Iterable[tuple[str, Received]]:
        """Those replies to ``tickets`` that have come, without waiting; each of them once."""
        ...

    def wait(self, seconds: float, stop: threading.Event) -> None:
        """Wait until something may have come, ``stop`` is set, or ``seconds`` are over."""
        ...
