"""Frames: a header, a bounded payload and a CRC-32, in COBS between zeros (SPEC, section 12.1)."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

VERSION = 3
SEALED = 0x80
"""In the version of a frame that is sealed (SPEC, section 24)."""
PAYLOAD = 1024
"""Most bytes of a payload that a frame may have; a device may take fewer."""

_HEADER = struct.Struct("<BBHHH")
_CHECK = struct.Struct("<I")
_BEHIND_SEALED = 36
_LONGEST = _HEADER.size + PAYLOAD + _BEHIND_SEALED + _CHECK.size
_LONGEST_ENCODED = _LONGEST + _LONGEST // 254 + 1
ANSWER = 0x80
SILENT = 0x40
"""In the type of an order that is not answered (SPEC, section 12.10)."""


class Kind(IntEnum):
    """Types of frames; an answer has ``ANSWER`` set."""

    HELLO = 1
    CONFIGURE = 2
    PUT_CENTRE = 3
    PUT_PARAMETERS = 4
    GET_PARAMETERS = 5
    PUT_SAMPLE = 6
    CLEAR = 7
    GET_SUMS = 8
    TRAIN = 9
    STATUS = 10
    RESET = 11
    COUNTS = 12
    TAKE = 13
    CALIBRATE = 14
    EVALUATE = 15
    SCORE = 16
    KEEP = 17
    PERSONALISE = 18
    PERSONAL_SCORE = 19
    MASK_KEY = 20
    PEER = 21
    MASK = 22
    GET_MASKED = 23
    UNMASK = 24
    SEED = 25
    GET_CHANGES = 26
    PUT_CHANGES = 27
    PUT_START = 28
    EXCHANGE = 29
    READY = 0xC0
    DONE = 0xC1


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame.

    Attributes:
        kind: `Kind`, with ``ANSWER`` set in an answer.
        session: opened by the server's hello; 0 of a device that has just started.
        sequence: of the request, and of its answer.
        payload: bytes.
        version: of the link.
    """

    kind: int
    session: int
    sequence: int
    payload: bytes = b""
    version: int = VERSION


def head(frame: Frame, length: int) -> bytes:
    """The header of ``frame`` if its payload has ``length`` bytes."""
    return _HEADER.pack(frame.version, frame.kind, frame.session, frame.sequence, length)


def encode(frame: Frame) -> bytes:
    """``frame`` as it goes over the line, delimiters on both sides included."""
    body = head(frame, len(frame.payload)) + frame.payload
    return b"\0" + cobs_encode(body + _CHECK.pack(zlib.crc32(body))) + b"\0"


def decode(block: bytes) -> Frame | None:
    """The frame in ``block``, which stood between two delimiters; None if it is not sound."""
    if len(block) > _LONGEST_ENCODED:
        return None
    body = cobs_decode(block)
    if body is None or not _HEADER.size + _CHECK.size <= len(body) <= _LONGEST:
        return None
    version, kind, session, sequence, length = _HEADER.unpack_from(body)
    checked = body[: -_CHECK.size]
    if length != len(checked) - _HEADER.size:
        return None
    if length > PAYLOAD + (_BEHIND_SEALED if version & SEALED else 0):
        return None
    if _CHECK.unpack(body[-_CHECK.size :])[0] != zlib.crc32(checked):
        return None
    return Frame(kind, session, sequence, checked[_HEADER.size :], version)


class FrameReader:
    """Finds frames in a stream of bytes; whatever is not a sound frame is passed over."""

    def __init__(self) -> None:
        self._rest = b""
        self._overlong = False

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that ``data`` completes."""
        *whole, rest = (self._rest + data).split(b"\0")
        frames = []
        for number, block in enumerate(whole):
            if number == 0 and self._overlong:
                continue
            if block and (frame := decode(block)) is not None:
                frames.append(frame)
        # Noise without a zero must not pile up: all but its existence is forgotten.
        self._overlong = len(rest) > _LONGEST_ENCODED or (self._overlong and not whole)
        self._rest = b"" if self._overlong else rest
        return iter(frames)


def cobs_encode(data: bytes) -> bytes:
    """``data`` without zeros: Consistent Overhead Byte Stuffing.

    >>> cobs_encode(bytes([1, 0, 2])).hex()
    '02010202'
    """
    out = bytearray()
    for part in data.split(b"\0"):
        start = 0
        while len(part) - start >= 254:
            out.append(255)
            out += part[start : start + 254]
            start += 254
        out.append(len(part) - start + 1)
        out += part[start:]
    if data and len(data.rsplit(b"\0", 1)[-1]) % 254 == 0 and data[-1] != 0:
        out.pop()  # a full last block needs no empty one behind it
    return bytes(out)


def cobs_decode(block: bytes) -> bytes | None:
    """What `cobs_encode` was given, or None if ``block`` cannot come from it."""
    out = bytearray()
    place = 0
    while place < len(block):
        code = block[place]
        end = place + code
        if code == 0 or end > len(block):
            return None
        out += block[place + 1 : end]
        if code != 255 and end < len(block):
            out.append(0)
        place = end
    return bytes(out)
