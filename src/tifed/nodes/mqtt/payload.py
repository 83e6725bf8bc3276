"""A head and arrays as bytes, as MQTT carries them: nothing is unpickled.

Four bytes with the length of the head (little-endian), the head as JSON, and the arrays as a
safetensors file, if there are any.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from safetensors.numpy import load, save

from tifed.nodes.messages.content import Arrays, MessageError


def to_bytes(head: Mapping[str, Any], arrays: Arrays) -> bytes:
    """All of it."""
    text = json.dumps(head).encode()
    body = save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
    return len(text).to_bytes(4, "little") + text + (body if arrays else b"")


def from_bytes(data: bytes) -> tuple[dict[str, Any], Arrays]:
    """The same again.

    Raises:
        MessageError: if it cannot be read: whatever comes must stop nobody.
    """
    end = 4 + int.from_bytes(data[:4], "little")
    try:
        head = json.loads(data[4:end])
        arrays = load(data[end:]) if len(data) > end else {}
    except Exception as error:  # safetensors raises several kinds
        raise MessageError(f"is unreadable ({type(error).__name__})") from error
    if not isinstance(head, dict):
        raise MessageError("is unreadable (no object)")
    return head, arrays
