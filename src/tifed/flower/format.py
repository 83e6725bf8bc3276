"""Messages as Flower carries them: a ``RecordDict`` with a configuration and arrays."""

from collections.abc import Mapping
from functools import lru_cache
from io import BytesIO

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, Message, RecordDict

from tifed.messages import Content, MessageError
from tifed.messages.content import LONGEST_REASON, Arrays, check_head

HEAD = "tifed"
ARRAYS = "arrays"
_MAGIC = b"\x93NUMPY\x01\x00"
_PREFIX = len(_MAGIC) + 2


def records(arrays: Arrays) -> dict[str, Array]:
    """Arrays in Flower's form; those that many nodes get need it once."""
    return {name: Array(np.ascontiguousarray(array)) for name, array in arrays.items()}


def pack(content: Content, shared: Mapping[str, Array] | None = None) -> RecordDict:
    """A message for Flower.

    Args:
        content: of it.
        shared: those of its arrays that are in Flower's form already, by name.
    """
    own = {name: array for name, array in content.arrays.items() if name not in (shared or {})}
    arrays = ArrayRecord({**(shared or {}), **records(own)})
    return RecordDict({HEAD: ConfigRecord(dict(content.values)), ARRAYS: arrays})


def unpack(message: RecordDict, kind: str | None, experiment: str) -> Content:
    """Take a message apart.

    Raises:
        MessageError: if it cannot be read, or `check_head` refuses it.
    """
    try:
        head = dict(message.config_records[HEAD])
    except KeyError:
        raise MessageError("is not a message of TIFeD") from None
    found = check_head(head, kind, experiment)
    try:
        arrays = {name: _array(array.data) for name, array in message.array_records[ARRAYS].items()}
    except Exception as error:
        # Whatever a node sends must not stop the server; numpy raises nearly anything here.
        raise MessageError(f"has unreadable arrays ({type(error).__name__})") from error
    return Content(found, head, arrays)


def _array(data: bytes) -> np.ndarray:
    """The array in a file of NumPy's format 1.0, which is what Flower carries.

    Not by ``Array.numpy()``: NumPy parses each header as Python source, which takes longer than
    all else that a server does with a reply, and the replies of a round have the same few headers.

    Raises:
        ValueError: if it is not one, or not of its length.
    """
    if not data.startswith(_MAGIC):
        raise ValueError("not of NumPy's format 1.0")
    start = _PREFIX + int.from_bytes(data[len(_MAGIC) : _PREFIX], "little")
    shape, turned, dtype = _header(data[len(_MAGIC) : start])
    array = np.frombuffer(data, dtype, offset=start)
    return array.reshape(shape, order="F" if turned else "C")


@lru_cache(maxsize=256)
def _header(header: bytes) -> tuple[tuple[int, ...], bool, np.dtype[np.generic]]:
    """Shape, whether columns come first, and type; objects are refused."""
    shape, turned, dtype = np.lib.format.read_array_header_1_0(BytesIO(header))
    if dtype.hasobject:
        raise ValueError("an array of objects")
    return shape, turned, dtype


def why(message: Message) -> str | None:
    """Why Flower has an error instead of an answer, if it has."""
    if not message.has_error():
        return None
    return (message.error.reason or "no reason given")[:LONGEST_REASON]
