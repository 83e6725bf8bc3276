"""The side of those who reach boards through a gateway."""

import socket
import time
from dataclasses import asdict

from tifed.errors import RunError
from tifed.link.address import check_socket_address
from tifed.link.opening import connect
from tifed.link.reason import reason
from tifed.nodes.context import DeviceSelection
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
) -> Content:
    """What the gateway at ``address`` answers to a message.

    A gateway that is killed in the middle is asked again when it is back: work is named by round,
    exchange and device, so doing it twice changes nothing.

    Args:
        address: ``unix:PATH`` or ``tcp:HOST:PORT``.
        experiment: as TOML, resolved.
        selection: which devices its boards are.
        content: the message.
        timeout: seconds that there are for all of it.
        patience: seconds that a gateway which is gone has to come back.

    Raises:
        UsageError: if ``address`` is not one.
        RunError: if the gateway is gone for too long, or takes too long.
        MessageError: if it says that it cannot do it.
    """
    check_socket_address(address, "gateway")
    heard = time.monotonic()
    deadline = heard + SHARE * timeout
    head = {"experiment": experiment, "place": asdict(selection), "message": dict(content.values)}
    while True:
        try:
            with _connected(address) as connection:
                send(connection, head, content.arrays, SEND_SECONDS)
                while True:
                    left = deadline - time.monotonic()
                    answer, arrays = receive(connection, max(0.001, min(SILENCE, left)))
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


def _connected(address: str) -> socket.socket:
    """A connection to the gateway.

    Raises:
        WireError: if nobody listens.
    """
    try:
        return connect(address, SEND_SECONDS)
    except OSError as error:
        raise WireError(f"cannot be reached ({reason(error)})") from error
