"""The side of those who reach boards through a gateway."""

import socket
import ssl
import time
from dataclasses import asdict
from pathlib import Path

from tifed.errors import RunError, UsageError
from tifed.link.address import check_socket_address
from tifed.link.opening import connect
from tifed.link.reason import reason
from tifed.nodes.context import DeviceSelection
from tifed.nodes.gateway.tls import node_context, wrap_for
from tifed.nodes.gateway.wire import WireError, receive, send
from tifed.nodes.messages.content import Content, MessageError

SILENCE = 30.0
"""Seconds without a sign of life until a gateway counts as gone; one at work gives many."""
PATIENCE = 120.0
"""Seconds that a gateway which is gone has to come back, before the work is given up."""
PAUSE = 0.5
SEND_SECONDS = 30.0
SHARE = 0.9
"""Of the time that the node has: its own answer has to arrive in the rest."""


def ask(
    address: str,
    experiment: str,
    selection: DeviceSelection,
    content: Content,
    timeout: float,
    patience: float = PATIENCE,
    tls: Path | None = None,
) -> Content:
    """What the gateway at ``address`` answers to a message.

    A gateway that is killed in the middle is asked again when it is back: work is named by round,
    exchange and device, so doing it twice changes nothing. With noise a gateway that has answered
    gives the same answer again; of one that is killed while it answers, nothing is passed on.

    Args:
        address: ``unix:PATH`` or ``tcp:HOST:PORT``.
        experiment: as TOML, resolved.
        selection: which devices its boards are.
        content: the message.
        timeout: seconds that there are for all of it.
        patience: seconds that a gateway which is gone, or works for somebody else, has until it
            answers.
        tls: private file for a gateway at a TCP address (`tifed.nodes.gateway.tls`).

    Raises:
        UsageError: if ``address`` is not one, or the private file is missing or of no use.
        RunError: if the gateway is gone for too long, or takes too long.
        MessageError: if it says that it cannot do it.
    """
    check_socket_address(address, "gateway")
    context = _context(address, tls)
    heard = time.monotonic()
    deadline = heard + SHARE * timeout
    head = {"experiment": experiment, "place": asdict(selection), "message": dict(content.values)}
    while True:
        try:
            with _connected(address, context) as connection:
                send(connection, head, content.arrays, SEND_SECONDS)
                while True:
                    left = deadline - time.monotonic()
                    answer, arrays = receive(connection, max(0.001, min(SILENCE, left)))
                    if "busy" in answer:
                        raise WireError(str(answer["busy"]))
                    heard = time.monotonic()
                    if heard > deadline:
                        raise RunError(f"gateway {address}: not ready in {SHARE * timeout:g} s")
                    if "refused" in answer:
                        raise MessageError(str(answer["refused"]))
                    if "message" in answer:
                        values = answer["message"]
                        return Content(str(values.get("kind")), values, arrays)
        except WireError as error:
            now = time.monotonic()
            if now > min(deadline, heard + patience):
                raise RunError(f"gateway {address} {error}") from error
            time.sleep(min(PAUSE, max(0.0, deadline - now)))


def _context(address: str, tls: Path | None) -> ssl.SSLContext | None:
    """For TLS, if the gateway is at a TCP address.

    Raises:
        UsageError: if the private file is missing or of no use.
    """
    if address.startswith("unix:"):
        return None
    if tls is None:
        raise UsageError(
            f"node configuration: the gateway {address} is reached by TLS alone; gateway-tls, the "
            "path of this node's private file for it, is missing"
        )
    return node_context(tls, "node configuration: gateway-tls")


def _connected(address: str, context: ssl.SSLContext | None) -> socket.socket:
    """A connection to the gateway.

    Raises:
        WireError: if nobody listens, or the two do not trust each other.
    """
    try:
        connection = connect(address, SEND_SECONDS)
        if context is None:
            return connection
        try:
            return wrap_for(context, connection, address)
        except BaseException:
            connection.close()
            raise
    except ssl.SSLError as error:
        raise WireError(f"cannot be reached by TLS ({error})") from error
    except OSError as error:
        raise WireError(f"cannot be reached ({reason(error)})") from error
