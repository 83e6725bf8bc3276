"""Who is connected to a gateway: so many, with so many bytes, and nobody keeps others out.

A connection that does not say what it wants gives way to one that comes after it, and one that
sends too much to those that send less.
"""

import socket
import threading
from dataclasses import dataclass, field

from tifed.nodes.gateway.wire import WireError

MOST_CONNECTIONS = 32
MOST_BYTES = 1 << 29
"""Of all requests that have come, or are coming, together."""


@dataclass(eq=False)
class Visitor:
    """One connection.

    Attributes:
        connection: it.
        bytes: that it has sent.
        has_asked: whether its request has come.
        turned_away: whether it has to go.
    """

    connection: socket.socket
    bytes: int = 0
    has_asked: bool = False
    turned_away: bool = False


@dataclass
class Visitors:
    """All connections, oldest first."""

    _there: list[Visitor] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def enter(self, connection: socket.socket) -> Visitor | None:
        """Let ``connection`` in; None if all places are taken by those who wait for an answer."""
        with self._lock:
            if len(self._staying) >= MOST_CONNECTIONS:
                idle = [one for one in self._staying if not one.has_asked]
                if not idle:
                    return None
                _turn_away(idle[0])
            visitor = Visitor(connection)
            self._there.append(visitor)
            return visitor

    def took(self, visitor: Visitor, count: int) -> None:
        """Take note that ``visitor`` has sent ``count`` more bytes.

        Raises:
            WireError: if it has been turned away.
        """
        with self._lock:
            visitor.bytes += count
            while sum(one.bytes for one in self._staying) > MOST_BYTES:
                coming = [one for one in self._staying if not one.has_asked]
                _turn_away(max(coming, key=lambda one: one.bytes))
            if visitor.turned_away:
                raise WireError(
                    f"was sent away with {visitor.bytes} bytes sent: others want something as well"
                )

    def asked(self, visitor: Visitor) -> None:
        """Its request has come, so it stays until it is answered.

        Raises:
            WireError: if it has been turned away before.
        """
        with self._lock:
            if visitor.turned_away:
                raise WireError("was sent away: others want something as well")
            visitor.has_asked = True

    def leave(self, visitor: Visitor) -> None:
        """Its connection is closed."""
        with self._lock:
            self._there.remove(visitor)

    @property
    def _staying(self) -> list[Visitor]:
        return [one for one in self._there if not one.turned_away]


def _turn_away(visitor: Visitor) -> None:
    """Have whoever reads from its connection find that it is closed."""
    visitor.turned_away = True
    try:
        # The socket's own: that of a secure one is not for two threads.
        socket.socket.shutdown(visitor.connection, socket.SHUT_RDWR)
    except OSError:
        return  # gone already
