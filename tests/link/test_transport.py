"""Sockets from both ends: what is an address, who may listen, what a line's end says."""

import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tifed.errors import UsageError
from tifed.link import TransportClosedError, open_transport
from tifed.link.address import check_address
from tifed.link.listening import listening
from tifed.link.opening import address_opener, connect
from tifed.link.transport import SocketTransport


@pytest.fixture
def pair() -> Iterator[tuple[SocketTransport, socket.socket]]:
    here, there = socket.socketpair()
    with here, there:
        yield SocketTransport(here), there


def test_bytes_both_ways(pair: tuple[SocketTransport, socket.socket]) -> None:
    line, there = pair
    line.write(b"abc")
    assert there.recv(10) == b"abc"
    there.sendall(b"defg")
    assert line.read(5.0) == b"defg"


def test_silence_is_nothing_and_an_end_is_an_error(
    pair: tuple[SocketTransport, socket.socket],
) -> None:
    line, there = pair
    for seconds, waited in ((0.0, 0.0), (0.01, 0.01), (-1.0, 0.0)):
        assert line.read(seconds) == b""
        assert line._socket.gettimeout() == waited
    there.close()
    with pytest.raises(TransportClosedError, match="closed by the other side"):
        line.read(1.0)
    with pytest.raises(TransportClosedError, match="Broken pipe"):
        line.write(b"abc")
    line.close()
    line.close()
    with pytest.raises(TransportClosedError, match="Bad file"):
        line.read(1.0)


@pytest.mark.parametrize(
    "address",
    ["serial:/dev/ttyACM0", "unix:x", "tcp:host:1", "tcp:host:65535", "tcp:::1:80", "tcp:[::1]:80"],
)
def test_addresses(address: str) -> None:
    check_address(address, "link.devices")
    address_opener(address)


@pytest.mark.parametrize(
    "address",
    ["serial:", "unix:", "tcp:h:0", "tcp:h:65536", "tcp::80", "tcp:h:", "tcp:h:-1", "", "x:y"],
)
def test_what_is_no_address(address: str) -> None:
    for opener in (address_opener, open_transport):
        with pytest.raises(UsageError, match=r"^link\.devices: .* is not serial:"):
            opener(address)
    with pytest.raises(UsageError, match=r"^gateway: .* is not serial:"):
        check_address(address, "gateway")


def test_a_unix_socket_is_there_as_long_as_somebody_listens(tmp_path: Path) -> None:
    path = tmp_path / "line"
    with listening(f"unix:{path}", "listen") as listener:
        assert stat.S_ISSOCK(path.stat().st_mode)
        line = address_opener(f"unix:{path}")()
        with listener.accept()[0] as there:
            line.write(b"abc")
            assert there.recv(10) == b"abc"
        line.close()
    assert not path.exists()


def test_the_next_file_of_the_process_is_as_open_as_before(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        with listening(f"unix:{tmp_path / 'line'}", "listen"):
            pass
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)


def test_nobody_listens_where_somebody_does(tmp_path: Path) -> None:
    address = f"unix:{tmp_path / 'line'}"
    with listening(address, "listen") as first:
        with (
            pytest.raises(UsageError, match="listen: cannot listen at unix:.*in use"),
            listening(address, "listen"),
        ):
            pass
        first.accept()[0].close()  # whoever looked
        connect(address, 5.0).close()


def test_a_socket_that_was_left_behind_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "line"
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()
    assert path.exists()
    with listening(f"unix:{path}", "listen"):
        connect(f"unix:{path}", 5.0).close()


def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "line"
    path.write_text("mine")
    with (
        pytest.raises(UsageError, match="listen: cannot listen at unix:"),
        listening(f"unix:{path}", "listen"),
    ):
        pass
    assert path.read_text() == "mine"


def test_one_listens_at_sockets_alone() -> None:
    with (
        pytest.raises(UsageError, match=r"gate: 'serial:/dev/x' is not unix:PATH or tcp:HOST:PORT"),
        listening("serial:/dev/x", "gate"),
    ):
        pass
    with pytest.raises(UsageError, match="gate: 'tcp:a' is not"), listening("tcp:a", "gate"):
        pass


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_tcp_by_either_protocol(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        try:
            probe.bind((host, 0))
        except OSError:
            pytest.skip(f"this machine has no {host}")
        port = probe.getsockname()[1]
    with listening(f"tcp:{host}:{port}", "listen") as listener:
        assert listener.family == family
        places = (f"tcp:{host}:{port}", *([f"tcp:[{host}]:{port}"] if ":" in host else []))
        for place in places:
            line = open_transport(place)
            assert isinstance(line, SocketTransport)
            # A request is one small packet: it must not wait for more.
            assert line._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            with listener.accept()[0] as there:
                line.write(b"abc")
                assert there.recv(10) == b"abc"
            line.close()
    # The next server may listen at once, though connections have just ended.
    with listening(f"tcp:{host}:{port}", "listen"):
        pass
