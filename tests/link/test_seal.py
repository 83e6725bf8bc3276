"""The host's end of a sealed line against a device's end that is written out here."""

import struct
from dataclasses import replace

import pytest

pytest.importorskip("cryptography", reason="needs the package cryptography")

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from tifed.link.frame import ANSWER, SEALED, VERSION, Frame, Kind, head
from tifed.link.seal import BEHIND, NONCE, TAG, Seal, session_keys

KEY = bytes(range(32))
HELLO, STATUS = Kind.HELLO | ANSWER, Kind.STATUS | ANSWER
LAST = 0xFFFFFFFF


def said(
    key: bytes, counter: int, frame: Frame, payload: bytes, plain: bytes = b"", label: int = 0
) -> Frame:
    """``frame`` of a device that seals ``payload`` with the session's key."""
    about = Frame(frame.kind, frame.session, frame.sequence, b"", VERSION | SEALED)
    length = len(payload) + len(plain) + BEHIND
    nonce = struct.pack("<I", counter) + bytes(8)
    sealed = ChaCha20Poly1305(key).encrypt(nonce, payload, head(about, length))
    body = sealed[:-TAG] + plain + struct.pack("<I", counter + label) + sealed[-TAG:]
    return replace(about, payload=body)


def greeted(device_nonce: bytes = bytes(NONCE), seal: Seal | None = None) -> tuple[Seal, bytes]:
    """A host in a session, and the key of what its device says in it."""
    seal = seal or Seal(KEY)
    keys = session_keys(KEY, seal.hello(), device_nonce)
    assert seal.open(said(keys[1], 1, Frame(HELLO, 5, 1), b"hello", device_nonce)) is not None
    return seal, keys[1]


def test_a_host_opens_what_its_device_says_and_nothing_of_it_twice() -> None:
    seal, key = greeted()
    first, third = (said(key, n, Frame(STATUS, 5, n), b"well") for n in (2, 4))
    opened = seal.open(first)
    assert opened == Frame(STATUS, 5, 2, b"well")
    assert seal.open(first) is None
    assert seal.open(third) is not None
    assert seal.open(said(key, 3, Frame(STATUS, 5, 3), b"late")) is None
    # Nor does a greeting come twice, though it is as good as the first.
    again = Seal(KEY)
    keys = session_keys(KEY, again.hello(), bytes(NONCE))
    greetings = [said(keys[1], n, Frame(HELLO, 5, 1), b"hello", bytes(NONCE)) for n in (1, 2)]
    assert again.open(greetings[0]) is not None
    assert again.open(greetings[1]) is None


def test_a_host_takes_no_frame_whose_words_about_itself_were_changed() -> None:
    seal, key = greeted()
    frame = said(key, 2, Frame(STATUS, 5, 2), b"well")
    for changed in (
        replace(frame, kind=Kind.TRAIN | ANSWER), replace(frame, session=6),
        replace(frame, sequence=3), replace(frame, version=SEALED | 1),
        replace(frame, payload=frame.payload[1:]), replace(frame, payload=b"\0" + frame.payload),
        said(key, 2, Frame(STATUS, 5, 2), b"well", label=1), said(KEY, 2, frame, b"well"),
    ):  # fmt: skip
        assert seal.open(changed) is None
    assert seal.open(frame) is not None


@pytest.mark.parametrize("length", range(NONCE + BEHIND))
def test_a_frame_that_is_too_short_to_be_sealed_is_no_answer(length: int) -> None:
    seal, _ = greeted()
    frame = Frame(STATUS, 5, 2, bytes(length), VERSION | SEALED)
    assert seal.open(frame) is None
    seal.hello()
    assert seal.open(replace(frame, kind=HELLO)) is None
    assert seal.trouble is None  # it was no answer at all
    assert seal.open(frame) is None


def test_a_host_believes_two_codes_unsealed_and_none_behind_which_there_is_more() -> None:
    seal, _ = greeted()
    believed = [
        code for code in range(256) if seal.open(Frame(STATUS, 5, 1, bytes([code]))) is not None
    ]
    assert believed == [66, 70]
    for payload in (b"", bytes([66, 0]), bytes([70]) * 20):
        assert seal.open(Frame(STATUS, 5, 1, payload)) is None
    for code in range(256):
        assert seal.open(Frame(HELLO, 5, 1, bytes([code]))) is None
    assert seal.open(Frame(Kind.READY, 0, 0)) is not None


def test_with_a_hello_the_session_before_is_over() -> None:
    seal, key = greeted()
    nonces = {seal.hello() for _ in range(3)}
    assert len(nonces) == 3
    assert seal.seal(Frame(Kind.STATUS, 5, 2)) is None
    assert seal.open(said(key, 9, Frame(STATUS, 5, 2), b"well")) is None
    # What has counted in it counts anew in the next.
    again, other = greeted(bytes([1]) * NONCE, seal)
    assert other != key
    assert again.open(said(other, 2, Frame(STATUS, 5, 2), b"well")) is not None


def test_a_host_uses_no_counter_twice() -> None:
    seal, _ = greeted()
    asked = Frame(Kind.STATUS, 5, 2, b"how")
    sealed = [seal.seal(asked) for _ in range(3)]
    bodies = {frame.payload for frame in sealed if frame is not None}
    assert len(bodies) == 3
    assert [struct.unpack_from("<I", body, len(body) - BEHIND)[0] for body in sorted(
        bodies, key=lambda body: body[-BEHIND:])] == [1, 2, 3]  # fmt: skip
    seal._sent = LAST - 1
    last = seal.seal(asked)
    assert last is not None
    assert last.payload[-BEHIND:-TAG] == struct.pack("<I", LAST)
    assert seal.seal(asked) is None
