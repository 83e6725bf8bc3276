"""Messages in pieces that fit into a broker's packets.

A piece is a header of 32 bytes (``TFMQ``, version, three zeros, a name of 16 bytes, the piece's
number, how many there are; little-endian) and a part of the message. Of work and its answer the
name is a ticket, which is drawn anew for each work; of what is shared it is the beginning of the
message's SHA-256. So pieces of different messages never mix, and one that comes twice changes
nothing.
"""

import struct
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256

from tifed.nodes.messages.content import MessageError

VERSION = 1
NAME_BYTES = 16
LEAST_PACKET, PACKET = 1 << 10, 1 << 18
"""Bytes of the longest packet that is sent: the least that may be chosen, and the default."""
AROUND = 256
"""Bytes of a packet that are kept for its topic and properties."""
MOST = 1 << 28
"""Bytes of the longest message, as of a gateway's (`tifed.nodes.messages`)."""
MOST_PIECES = 2 * MOST // LEAST_PACKET
OPEN = 8
"""Messages of which pieces may be missing at a time; the oldest is dropped for another one."""

_MAGIC = b"TFMQ"
_HEADER = struct.Struct(f"<4sB3x{NAME_BYTES}sII")


def name_of(data: bytes) -> bytes:
    """The name of what is shared."""
    return sha256(data).digest()[:NAME_BYTES]


def pieces_of(name: bytes, data: bytes, packet: int) -> Iterator[bytes]:
    """The pieces of a message for packets of at most ``packet`` bytes."""
    step = packet - AROUND - _HEADER.size
    count = max(1, -(-len(data) // step))
    for number in range(count):
        head = _HEADER.pack(_MAGIC, VERSION, name, number, count)
        yield head + data[number * step : (number + 1) * step]


def name_in(piece: bytes) -> bytes:
    """The name in a piece's header.

    Raises:
        MessageError: if it is no piece.
    """
    return _header(piece)[0]


@dataclass
class _Begun:
    """A message of which pieces are missing.

    Attributes:
        count: how many pieces it has.
        parts: those that have come, by number.
        size: their bytes.
    """

    count: int
    parts: dict[int, bytes] = field(default_factory=dict)
    size: int = 0


@dataclass
class Pieces:
    """Messages from one sender, put together again."""

    _begun: OrderedDict[bytes, _Begun] = field(default_factory=OrderedDict)

    def take(self, piece: bytes) -> tuple[bytes, bytes] | None:
        """The name and the whole message, if this was its last missing piece.

        Raises:
            MessageError: if it is no piece, does not fit to the others, or all are too long.
        """
        name, number, count = _header(piece)
        part = piece[_HEADER.size :]
        if count == 1:
            return name, part
        begun = self._begun.setdefault(name, _Begun(count))
        if begun.count != count:
            raise MessageError(f"has {begun.count} pieces, but one says {count}")
        if number not in begun.parts:
            begun.parts[number] = part
            begun.size += len(part)
        if begun.size > MOST:
            del self._begun[name]
            raise MessageError(f"is longer than {MOST} bytes")
        if len(begun.parts) == count:
            del self._begun[name]
            return name, b"".join(begun.parts[number] for number in range(count))
        while len(self._begun) > OPEN:
            self._begun.popitem(last=False)
        return None


def _header(piece: bytes) -> tuple[bytes, int, int]:
    """Name, number and count of a piece."""
    if len(piece) < _HEADER.size:
        raise MessageError("is no piece of a message")
    magic, version, name, number, count = _HEADER.unpack_from(piece)
    if magic != _MAGIC:
        raise MessageError("is no piece of a message")
    if version != VERSION:
        raise MessageError(
            f"speaks version {version} of pieces; this release speaks version {VERSION}"
        )
    if not number < count <= MOST_PIECES:
        raise MessageError(f"has piece {number} of {count}")
    return name, number, count
