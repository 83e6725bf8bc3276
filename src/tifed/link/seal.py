"""The host's end of a sealed line: keys of a session, counters, which frames count (SPEC, 24)."""

import hashlib
import os
import struct
from typing import TYPE_CHECKING

from tifed.errors import UsageError
from tifed.link.frame import ANSWER, SEALED, VERSION, Frame, Kind, head

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

NONCE = 16
TAG = 16
BEHIND = 4 + TAG
"""Bytes that a sealed frame has behind what is sealed: its counter and its tag."""

_COUNTER = struct.Struct("<I")
_LABEL = b"TIFeD line 1"
_KEY = 32
_LAST = 0xFFFFFFFF
NO_SESSION, FORMAT = 66, 70
SEALED_ONLY, NO_KEY = 75, 76


def session_keys(key: bytes, host_nonce: bytes, device_nonce: bytes) -> tuple[bytes, bytes]:
    """The keys of a session, to the device and to the host, 32 bytes each."""
    both = hashlib.blake2b(_LABEL + host_nonce + device_nonce, key=key, digest_size=2 * _KEY)
    return both.digest()[:_KEY], both.digest()[_KEY:]


class Seal:
    """One device's key at work on one line.

    Attributes:
        trouble: what was last heard that is not of the device with this key, in words.
    """

    def __init__(self, key: bytes) -> None:
        """Take the device's key, 32 bytes.

        Raises:
            UsageError: if a package is missing.
        """
        self._cipher = _cipher()
        self._key = key
        self._host_nonce = b""
        self._session: tuple[ChaCha20Poly1305, ChaCha20Poly1305] | None = None
        self._sent = self._heard = 0
        self.trouble: str | None = None

    def hello(self) -> bytes:
        """The payload of a hello; the session before is over."""
        self._host_nonce = os.urandom(NONCE)
        self._session = None
        self.trouble = None
        return self._host_nonce

    def seal(self, frame: Frame) -> Frame | None:
        """``frame`` as it goes over the line: a hello as it is; None if there is no session.

        There is none any more once its counter is at an end.
        """
        if frame.kind == Kind.HELLO:
            return frame
        if self._session is None or self._sent == _LAST:
            return None
        self._sent += 1
        length = len(frame.payload) + BEHIND
        about = Frame(frame.kind, frame.session, frame.sequence, b"", VERSION | SEALED)
        sealed = self._session[0].encrypt(
            _nonce(self._sent), frame.payload, head(about, length)
        )  # the tag is its end
        body = sealed[:-TAG] + _COUNTER.pack(self._sent) + sealed[-TAG:]
        return Frame(frame.kind, frame.session, frame.sequence, body, VERSION | SEALED)

    def open(self, frame: Frame) -> Frame | None:
        """What a frame from the line says; None if it does not count.

        That a device has started, is in no session or takes another version it says unsealed.
        Nobody has to believe it: all that follows is another hello, or the end of waiting.
        """
        if frame.version != VERSION | SEALED:
            return self._unsealed(frame)
        if len(frame.payload) < BEHIND:
            return None
        if frame.kind == Kind.HELLO | ANSWER:
            return self._greeted(frame)
        if self._session is None:
            return None
        return self._opened(frame, frame.payload, self._session[1])

    def _unsealed(self, frame: Frame) -> Frame | None:
        code = frame.payload[0] if len(frame.payload) == 1 else 0
        if frame.kind == Kind.READY or (
            code in (NO_SESSION, FORMAT) and frame.kind != Kind.HELLO | ANSWER
        ):
            return Frame(frame.kind, frame.session, frame.sequence, frame.payload)
        if frame.kind == Kind.HELLO | ANSWER:
            self.trouble = (
                "a board answers that has no key yet, or no fresh nonce"
                if code == NO_KEY
                else "a board answers whose firmware does not seal its frames"
            )
        return None

    def _greeted(self, frame: Frame) -> Frame | None:
        """The answer to a hello, which proves the device's key and has its nonce."""
        if self._session is not None or len(frame.payload) < NONCE + BEHIND:
            return None
        at = len(frame.payload) - BEHIND - NONCE
        nonce = frame.payload[at : at + NONCE]
        keys = session_keys(self._key, self._host_nonce, nonce)
        outward, inward = map(self._cipher, keys)
        self._heard = 0
        opened = self._opened(frame, frame.payload[:at] + frame.payload[at + NONCE :], inward)
        if opened is None:
            self.trouble = "a board answers that does not have this device's key"
            return None
        self._session, self._sent = (outward, inward), 0
        return opened

    def _opened(self, frame: Frame, payload: bytes, cipher: "ChaCha20Poly1305") -> Frame | None:
        from cryptography.exceptions import InvalidTag

        body, behind = payload[:-BEHIND], payload[-BEHIND:]
        counter = _COUNTER.unpack_from(behind)[0]
        if counter <= self._heard:
            return None
        try:
            plain = cipher.decrypt(
                _nonce(counter), body + behind[4:], head(frame, len(frame.payload))
            )
        except InvalidTag:
            return None
        self._heard = counter
        return Frame(frame.kind, frame.session, frame.sequence, plain)


def _nonce(counter: int) -> bytes:
    return _COUNTER.pack(counter) + bytes(8)


def _cipher() -> type["ChaCha20Poly1305"]:
    try:
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
    except ImportError as missing:
        raise UsageError(
            "link: sealed lines need the package 'cryptography'; pip install 'tifed[privacy]'"
        ) from missing
    return ChaCha20Poly1305
