"""Messages as bytes: what is said as JSON, arrays as safetensors. Nothing is ever unpickled.

Four bytes (little-endian) are the length of the JSON; it follows, and then the arrays, if there are
any.
"""

import json
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from tifed.nodes.messages.content import Arrays, Content, MessageError, check_head

_LENGTH = 4


def content_to_bytes(content: Content, own: Arrays | None = None) -> bytes:
    """A message, with the arrays ``own`` besides its own."""
    return to_bytes(dict(content.values), content.arrays | (own or {}))


def content_from_bytes(data: bytes, kind: str | None, experiment: str) -> Content:
    """The same again.

    Raises:
        MessageError: if it cannot be read, or `check_head` refuses it.
    """
    head, arrays = from_bytes(data)
    if not isinstance(head, dict):
        raise MessageError("is not a message of TIFeD")
    return Content(check_head(head, kind, experiment), head, arrays)


def to_bytes(said: Any, arrays: Arrays) -> bytes:
    """Whatever JSON can say, and arrays."""
    text = json.dumps(said).encode()
    body = arrays_to_bytes(arrays) if arrays else b""
    return len(text).to_bytes(_LENGTH, "little") + text + body


def from_bytes(data: bytes) -> tuple[Any, Arrays]:
    """The same again.

    Raises:
        MessageError: if it cannot be read: whatever somebody sends must not stop a program.
    """
    end = _LENGTH + int.from_bytes(data[:_LENGTH], "little")
    try:
        said = json.loads(data[_LENGTH:end])
    except (ValueError, RecursionError) as error:
        raise MessageError(f"is not readable ({type(error).__name__})") from error
    return said, arrays_from_bytes(data[end:]) if len(data) > end else {}


def arrays_to_bytes(arrays: Arrays) -> bytes:
    """Arrays under their names."""
    return save({name: np.ascontiguousarray(array) for name, array in arrays.items()})


def arrays_from_bytes(data: bytes) -> Arrays:
    """The same again.

    Raises:
        MessageError: if they cannot be read.
    """
    try:
        return load(data)
    except (SafetensorError, ValueError, KeyError, TypeError, OverflowError, MemoryError) as error:
        raise MessageError(f"has unreadable arrays ({type(error).__name__})") from error
