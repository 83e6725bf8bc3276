"""Frames of a gateway's socket, sound and not."""

import json
import socket
import struct
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tifed.nodes.gateway import wire
from tifed.nodes.gateway.wire import WireError, receive, send

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_a_message_arrives_as_it_was_sent(pair: Pair) -> None:
    head = {"kind": "fit", "layers": [0, 1], "reason": "zero: ü", "none": None, "large": 1 << 60}
    arrays: dict[str, np.ndarray] = {
        "sums": np.arange(6, dtype=np.int64).reshape(2, 3),
        "turned": np.arange(6, dtype=np.int16).reshape(2, 3).T,
        "empty": np.zeros((0, 2), np.int64),
    }
    send(pair[0], head, arrays, 30.0)
    send(pair[0], {}, {}, 30.0)
    found, others = receive(pair[1], 30.0)
    assert found == head
    assert others.keys() == arrays.keys()
    for name, array in arrays.items():
        assert others[name].dtype == array.dtype
        assert np.array_equal(others[name], array)
    assert receive(pair[1], 30.0) == ({}, {})


def framed(head: bytes, body: bytes, magic: bytes = b"TFGW", version: int = 1) -> bytes:
    return struct.pack("<4sB3xII", magic, version, len(head), len(body)) + head + body


EMPTY = struct.pack("<Q", 2) + b"{}"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "has closed the connection"),
        (b"TFG", "has closed the connection"),
        (framed(b"{}", EMPTY)[:-1], "has closed the connection"),
        (framed(b"{}", EMPTY, magic=b"HTTP"), "does not speak the gateway's protocol"),
        (framed(b"{}", EMPTY, version=2), "speaks version 2 of the gateway's protocol"),
        (struct.pack("<4sB3xII", b"TFGW", 1, 1 << 31, 0), "bytes, which is too long"),
        (struct.pack("<4sB3xII", b"TFGW", 1, 0, 1 << 31), "bytes, which is too long"),
        (framed(b"{", EMPTY), "unreadable (JSONDecodeError)"),
        (framed(b"[]", EMPTY), "unreadable (no object)"),
        (framed(b"{}", b"nonsense"), "unreadable"),
    ],
)
def test_what_is_not_a_frame_is_refused(pair: Pair, data: bytes, reason: str) -> None:
    pair[0].sendall(data)
    pair[0].shutdown(socket.SHUT_WR)
    with pytest.raises(WireError) as error:
        receive(pair[1], 30.0)
    assert reason in str(error.value)


@given(st.binary(max_size=200), st.booleans())
def test_no_bytes_bring_anything_but_a_frame_or_an_error(data: bytes, wrapped: bool) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(framed(data[:100], data[100:]) if wrapped else data)
        ours.shutdown(socket.SHUT_WR)
        try:
            head, _ = receive(theirs, 30.0)
        except WireError:
            return
        assert json.dumps(head)


def test_no_wait_is_without_end(pair: Pair) -> None:
    with pytest.raises(WireError, match=r"was silent for 0\.05 s"):
        receive(pair[1], 0.05)
    pair[0].sendall(b"TFGW")
    with pytest.raises(WireError, match="was silent"):
        receive(pair[1], 0.05)
    with pytest.raises(WireError, match="cannot be sent to"):
        send(pair[0], {}, {"large": np.zeros(1 << 22, np.int64)}, 0.05)


def test_too_long_a_message_is_not_sent(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MOST_ARRAYS", 100)
    with pytest.raises(WireError, match="is too long"):
        send(pair[0], {}, {"a": np.zeros(100, np.int64)}, 30.0)
