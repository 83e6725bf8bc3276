"""Messages as Flower carries them: a ``RecordDict`` with a configuration and arrays."""

from functools import lru_cache
from io import BytesIO

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, Message, RecordDict

from tifed.nodes.messages import Content, MessageError
from tifed.nodes.messages.content import LONGEST_REASON, Arrays, check_head

HEAD = "tifed"
ARRAYS = "arrays"
OWN = "own"
"""Arrays of one node, where others are the same for all."""
NUMPY = "numpy.ndarray"
"""Flower's name for arrays as files of NumPy's format."""
_MAGIC = b"\x93NUMPY\x01\x00"
_PREFIX = len(_MAGIC) + 2


class Broadcast:
    """A message to many nodes; what is the same for all is put in Flower's form once."""

    def __init__(self, content: Content) -> None:
        """``content`` is what all of them get."""
        self._common: dict[str, ArrayRecord | ConfigRecord] = {
            HEAD: ConfigRecord(dict(content.values)),
            ARRAYS: _records(content.arrays),
        }

    def message(self, own: Arrays) -> RecordDict:
        """For the node that gets ``own`` besides."""
        message = RecordDict()
        for place, record in self._common.items():
            message[place] = record
        if own:
            message[OWN] = _records(own)
        return message


def pack(content: Content, own: Arrays | None = None) -> RecordDict:
    """A message for Flower to one."""
    return Broadcast(content).message(own or {})


def unpack(message: RecordDict, kind: str | None, experiment: str) -> Content:
    """Take a message apart.

    Raises:
        MessageError: if it cannot be read, or `check_head` refuses it.
    """
    config = message.get(HEAD)
    if not isinstance(config, ConfigRecord):
        raise MessageError("is not a message of TIFeD")
    head = dict(config)
    found = check_head(head, kind, experiment)
    arrays: Arrays = {}
    try:
        for place in (ARRAYS, OWN):
            record = message.get(place)
            if isinstance(record, ArrayRecord):
                arrays.update({name: _array(array.data) for name, array in record.items()})
    except MessageError:
        raise
    except Exception as error:
        # Whatever a node sends must not stop the server; numpy raises nearly anything here.
        raise MessageError(f"has unreadable arrays ({type(error).__name__})") from error
    return Content(found, head, arrays)


def _records(arrays: Arrays) -> ArrayRecord:
    """Arrays in Flower's form."""
    record = ArrayRecord()  # given all at once, it would copy every one of them
    for name, array in arrays.items():
        record[name] = _record(array)
    return record


def _record(array: np.ndarray) -> Array:
    """What ``Array(array)`` is, a file of NumPy's format, but for one header per shape and type."""
    dtype, header = _new_header(array.dtype, array.shape)
    return Array(dtype, array.shape, NUMPY, header + array.tobytes())


@lru_cache(maxsize=256)
def _new_header(dtype: np.dtype[np.generic], shape: tuple[int, ...]) -> tuple[str, bytes]:
    """The type's name, and the header of a file of NumPy's format 1.0 with rows first."""
    file = BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"descr": dtype.str, "fortran_order": False, "shape": shape}
    )
    return str(dtype), file.getvalue()


def _array(data: bytes) -> np.ndarray:
    """The array in a file of NumPy's format 1.0, which is what Flower carries.

    Not by ``Array.numpy()``: NumPy parses each header as Python source, which takes longer than
    all else that a server does with a reply, and the replies of a round have the same few headers.

    Raises:
        ValueError: if it is not one, or not of its length.
        MessageError: if it is one of objects.
    """
    if not data.startswith(_MAGIC):
        raise ValueError("not of NumPy's format 1.0")
    start = _PREFIX + int.from_bytes(data[len(_MAGIC) : _PREFIX], "little")
    shape, turned, dtype = _header(data[len(_MAGIC) : start])
    array = np.frombuffer(data, dtype, offset=start)
    return array.reshape(shape, order="F" if turned else "C")


@lru_cache(maxsize=256)
def _header(header: bytes) -> tuple[tuple[int, ...], bool, np.dtype[np.generic]]:
    """Shape, whether columns come first, and type.

    Raises:
        MessageError: if it is an array of objects, which are Python's own and could be anything.
    """
    shape, turned, dtype = np.lib.format.read_array_header_1_0(BytesIO(header))
    if dtype.hasobject:
        raise MessageError("has an array of objects")
    return shape, turned, dtype


def why(message: Message) -> str | None:
    """Why Flower has an error instead of an answer, if it has."""
    if not message.has_error():
        return None
    return (message.error.reason or "no reason given")[:LONGEST_REASON]
