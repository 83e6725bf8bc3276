"""A board's key over its line, once: to a program of an export that has none yet (SPEC, 24.4)."""

import secrets
import time
from collections.abc import Callable

from tifed.errors import RunError, UsageError
from tifed.link.address import exposed_lines
from tifed.link.frame import ANSWER, SEALED, Frame, FrameReader, Kind, encode
from tifed.link.keys import key_for_a_line
from tifed.link.opening import open_transport
from tifed.link.seal import NO_KEY, Seal
from tifed.link.transport import Transport, TransportClosedError

_AGAIN = 1.0
"""Seconds after which a board is asked again: it may just have started, or be taking a sample."""


def give_key(address: str, key: bytes, baud: int, seconds: float, note: Callable[[], None]) -> None:
    """Give the board at ``address`` its key, and see that it has it.

    Args:
        address: of the line, which nobody else may hear: the key goes over it as it is.
        key: 32 bytes.
        baud: bits per second of a serial line.
        seconds: how long the board may take to answer.
        note: called before the key goes over the line; it raises an error if it must not, for that
            the board has none is a word that anybody on the line could have said.

    Raises:
        UsageError: if it is not an address, others can reach the line, or the board has another
            key already or firmware that does not seal.
        RunError: if the line cannot be opened, no board answers, or it could not keep the key.
    """
    exposed = exposed_lines([address])
    if exposed is not None:
        raise UsageError(f"--send: {exposed}: give a board its key on a wire")
    try:
        line = open_transport(address, baud)
        try:
            until = time.monotonic() + seconds
            if not _has_key(line, key, until):
                note()
                line.write(b"\0" + key_for_a_line(key) + b"\0")
                if not _has_key(line, key, until):
                    raise RunError(
                        f"{address}: the board has no memory for a key, or did not get it; to try "
                        "again, give it a new key (--new)"
                    )
        finally:
            line.close()
    except TransportClosedError as error:
        raise RunError(f"{address}: {error}") from error


def _has_key(line: Transport, key: bytes, until: float) -> bool:
    """Whether the board has this key; False if it has none."""
    seal, reader = Seal(key), FrameReader()
    # A board that is in no session answers in none; the sequence tells whose answer it is.
    session, sequence = (secrets.randbelow(0xFFFF) + 1 for _ in range(2))
    hello = Frame(Kind.HELLO, session, sequence, seal.hello())
    while time.monotonic() < until:
        line.write(encode(hello))
        again = min(time.monotonic() + _AGAIN, until)
        while (left := again - time.monotonic()) > 0:
            for frame in reader.feed(line.read(left)):
                if (frame.kind, frame.sequence) != (Kind.HELLO | ANSWER, sequence):
                    continue
                if seal.open(frame) is not None:
                    return True
                if frame.payload == bytes([NO_KEY]):
                    return False
                more = (
                    "; erase the memory that its key is in first" if frame.version & SEALED else ""
                )
                raise UsageError(f"--send: {seal.trouble}{more}")
    raise RunError("no board answered; see that the program runs on it")
