"""Frames on a gateway's socket, version 1.

A frame is a header of 16 bytes (``TFGW``, version, three zeros, length of the head, length of the
arrays; little-endian), the head as JSON, and the arrays as safetensors. One connection carries
one request: a frame with ``experiment`` (TOML), ``place`` and ``message``, and then frames with
``working`` until the one with the answer's ``message``, with ``refused``, or with ``busy``. Nothing
is unpickled, nothing is longer than its bound, and no wait is without end.
"""

import json
import socket
import struct
import time
from collections.abc import Callable, Mapping
from typing import Any

from tifed.nodes.messages.content import Arrays, MessageError
from tifed.nodes.messages.encoding import arrays_from_bytes, arrays_to_bytes

VERSION = 1
MOST_HEAD = 1 << 24
"""Bytes; the longest is an experiment with a list of layers for each of a million devices."""
MOST_ARRAYS = 1 << 28
"""Bytes; four layers of 2,048 by 2,048 units as 64-bit sums are half of it."""

_MAGIC = b"TFGW"
_HEADER = struct.Struct("<4sB3xII")


class WireError(Exception):
    """The other side has left, is silent, or does not speak this; the text says which."""


def send(
    connection: socket.socket, head: Mapping[str, Any], arrays: Arrays, seconds: float
) -> None:
    """Send a frame.

    Raises:
        WireError: if it does not go out within ``seconds``.
    """
    text = json.dumps(head).encode()
    body = arrays_to_bytes(arrays)
    if len(text) > MOST_HEAD or len(body) > MOST_ARRAYS:
        raise WireError(f"a message of {len(text)} + {len(body)} bytes is too long")
    try:
        connection.settimeout(seconds)
        connection.sendall(_HEADER.pack(_MAGIC, VERSION, len(text), len(body)) + text + body)
    except OSError as error:
        raise WireError(f"cannot be sent to ({error})") from error


def receive(
    connection: socket.socket,
    seconds: float,
    first_seconds: float | None = None,
    took: Callable[[int], None] = lambda count: None,
) -> tuple[dict[str, Any], Arrays]:
    """The next frame: its head, and its arrays.

    Args:
        connection: to read from.
        seconds: in which all of it has to come.
        first_seconds: in which its header has to come, if it is less.
        took: told the length of every piece that has come; it may raise a `WireError`.

    Raises:
        WireError: if it does not come in time, or is not one.
    """
    deadline = time.monotonic() + seconds
    first = seconds if first_seconds is None else min(seconds, first_seconds)
    magic, version, head_length, body_length = _HEADER.unpack(
        _exactly(connection, _HEADER.size, time.monotonic() + first, first, took)
    )
    if magic != _MAGIC:
        raise WireError("does not speak the gateway's protocol")
    if version != VERSION:
        raise WireError(
            f"speaks version {version} of the gateway's protocol; "
            f"this release speaks version {VERSION}"
        )
    if head_length > MOST_HEAD or body_length > MOST_ARRAYS:
        raise WireError(f"announces {head_length} + {body_length} bytes, which is too long")
    text = _exactly(connection, head_length, deadline, seconds, took)
    body = _exactly(connection, body_length, deadline, seconds, took)
    try:
        head, arrays = json.loads(text), arrays_from_bytes(body)
    except MessageError as error:
        raise WireError(str(error)) from error
    except (ValueError, RecursionError) as error:
        raise WireError(f"has sent something unreadable ({type(error).__name__})") from error
    if not isinstance(head, dict):
        raise WireError("has sent something unreadable (no object)")
    return head, arrays


def _exactly(
    connection: socket.socket,
    count: int,
    deadline: float,
    seconds: float,
    took: Callable[[int], None],
) -> bytes:
    """``count`` bytes, before ``deadline``."""
    data = bytearray()
    while len(data) < count:
        try:
            connection.settimeout(max(0.001, deadline - time.monotonic()))
            piece = connection.recv(min(1 << 20, count - len(data)))
        except TimeoutError:
            raise WireError(f"was silent for {seconds:g} s") from None
        except OSError as error:
            raise WireError(f"is gone ({error})") from error
        took(len(piece))
        if not piece:
            raise WireError("has closed the connection")
        data += piece
    return bytes(data)
