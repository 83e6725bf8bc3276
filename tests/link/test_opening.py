"""Lines that cannot be opened: the reason is the operating system's, and is said at once."""

import errno
import logging
import os
import pty
import socket
import stat
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tifed.errors import UsageError
from tifed.experiment import Experiment
from tifed.experiment.build import Setup, build
from tifed.federation.device import Stream
from tifed.fleets.linked import LinkedFleet, LinkSettings
from tifed.link import (
    Client,
    DeviceGoneError,
    LineNotOpenedError,
    Patience,
    Transport,
    address_opener,
    open_transport,
)
from tifed.link.listening import listening
from tifed.link.transport import SocketTransport

LONG = Patience(answer=1.0, silence=20.0)
SHORT = Patience(answer=0.1, silence=0.3)


@pytest.fixture(scope="module")
def setup() -> Setup:
    return build(Experiment(dataset="digits", devices=2, rounds=1))


@pytest.fixture
def terminal() -> Iterator[str]:
    """A serial port's path."""
    here, there = pty.openpty()
    yield os.ttyname(there)
    os.close(here)
    os.close(there)


def fleet_at(
    setup: Setup, addresses: list[str], patience: Patience, settings: LinkSettings | None = None
) -> LinkedFleet:
    stream = Stream(np.zeros((4, 64), np.int8), np.zeros(4, np.int32), np.arange(4))
    clients = [Client(address, address_opener(address), patience) for address in addresses]
    streams = [stream] * len(clients)
    return LinkedFleet(replace(setup.inputs, streams=streams, sent=streams), clients, settings)


def test_a_port_that_is_not_there_ends_a_run_at_its_start(setup: Setup, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    addresses = ["serial:/dev/nowhere", "tcp:127.0.0.1:1", f"serial:{tmp_path}/file"]
    fleet = fleet_at(setup, addresses, LONG)
    with pytest.raises(UsageError) as error:
        list(fleet.calibrate(range(3), 4))  # by the patience it would be twenty seconds
    fleet.close()
    assert str(error.value) == (
        "link.devices: serial:/dev/nowhere: No such file or directory; "
        f"serial:{tmp_path}/file: it is not a serial port (Inappropriate ioctl for device)"
    )


@pytest.mark.parametrize(
    ("address", "words"), [("unix:/tmp/" + "a" * 200, "path too long"), ("tcp:a..b:80", "no")]
)
def test_an_address_that_no_socket_can_have_ends_a_run_too(
    setup: Setup, address: str, words: str
) -> None:
    fleet = fleet_at(setup, [address], LONG)
    with pytest.raises(UsageError, match=f"link.devices: {address}: .*{words}"):
        list(fleet.calibrate([0], 4))
    fleet.close()


def test_who_may_come_later_is_waited_for_and_the_reason_is_said_at_once(
    setup: Setup, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    addresses = ["tcp:127.0.0.1:1", f"unix:{tmp_path}/later"]
    fleet = fleet_at(setup, addresses, SHORT)
    with caplog.at_level(logging.WARNING, "tifed"):
        assert not list(fleet.calibrate(range(2), 4))
    fleet.close()
    first, second, *rest = caplog.messages
    tcp, unix = (f"{address}: cannot be opened: " for address in addresses)
    assert first == f"device 0: {tcp}Connection refused; it may come within 0.3 s"
    assert second == f"device 1: {unix}No such file or directory; it may come within 0.3 s"
    assert sorted(rest) == [
        f"device 0 is left out of the calibration round: {tcp}Connection refused (tried for 0.3 s)",
        f"device 1 is left out of the calibration round: {unix}No such file or directory "
        "(tried for 0.3 s)",
    ]


def test_who_was_silent_is_waited_for_no_longer_than_before(
    setup: Setup, caplog: pytest.LogCaptureFixture
) -> None:
    fleet = fleet_at(setup, ["tcp:127.0.0.1:1"], Patience(answer=5.0, silence=0.3))
    with caplog.at_level(logging.WARNING, "tifed"):
        assert not [sums for _ in range(2) for sums in fleet.calibrate([0], 4)]
    fleet.close()
    assert [words.endswith("(tried for 0.3 s)") for words in caplog.messages[1:]] == [True, True]


def test_a_gateway_leaves_out_what_a_run_would_end_for(setup: Setup) -> None:
    settings = LinkSettings(on_mismatch="drop")
    fleet = fleet_at(setup, ["serial:/dev/nowhere"], SHORT, settings)
    assert fleet.look(60.0) == {
        0: "serial:/dev/nowhere: cannot be opened: No such file or directory"
    }
    assert not list(fleet.calibrate([0], 4))
    fleet.close()


def test_a_line_that_was_open_is_waited_for_though_its_port_is_gone(setup: Setup) -> None:
    ours, theirs = socket.socketpair()
    lines: list[Transport] = [SocketTransport(theirs)]

    def opener() -> Transport:
        if lines:
            return lines.pop()
        return open_transport("serial:/dev/nowhere")

    client = Client("board", opener, SHORT)
    client.open_line()
    ours.close()
    with pytest.raises(DeviceGoneError, match="board: cannot be opened: No such file .*0.3 s"):
        client.open_session()
    assert not lines


def test_a_line_that_is_closed_each_time_is_told_from_one_that_is_silent(tmp_path: Path) -> None:
    stop = threading.Event()
    with listening(f"unix:{tmp_path}/shy", "here") as listener:
        listener.settimeout(0.05)

        def hang_up() -> None:
            while not stop.is_set():
                try:
                    listener.accept()[0].close()
                except TimeoutError:
                    continue

        thread = threading.Thread(target=hang_up)
        thread.start()
        shy = Client("shy", address_opener(f"unix:{tmp_path}/shy"), SHORT)
        with pytest.raises(DeviceGoneError, match="shy: .*(the line is down: |cannot be opened: )"):
            shy.open_session()
        stop.set()
        thread.join()


def test_a_serial_port_is_opened_by_one_alone(terminal: str) -> None:
    pytest.importorskip("serial", reason="needs pip install 'tifed[serial]'")
    line = open_transport(f"serial:{terminal}")
    second = Client("second", address_opener(f"serial:{terminal}"), SHORT)
    with pytest.raises(LineNotOpenedError, match="another program has it open") as error:
        second.open_line()
    assert error.value.lasting
    line.close()
    second.open_line()
    second.close()


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EACCES, "Permission denied"),
        (errno.EBUSY, "another program has it open (Device or resource busy)"),
    ],
)
def test_what_the_system_forbids_is_in_its_words(
    number: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    serial = pytest.importorskip("serial", reason="needs pip install 'tifed[serial]'")

    def forbidden(*_: Any, **__: Any) -> None:  # the administrator, who tests, is forbidden nothing
        raise serial.SerialException(number, f"could not open port: [Errno {number}] …")

    monkeypatch.setattr(serial, "Serial", forbidden)
    with pytest.raises(LineNotOpenedError) as error:
        Client("port", address_opener("serial:/dev/port")).open_line()
    assert str(error.value) == f"port: cannot be opened: {words}"
    assert error.value.lasting


def test_a_speed_that_there_is_not_is_said(terminal: str) -> None:
    pytest.importorskip("serial", reason="needs pip install 'tifed[serial]'")
    with pytest.raises(LineNotOpenedError, match="port: cannot be opened: .+"):
        Client("port", address_opener(f"serial:{terminal}", baud=-3)).open_line()


def test_a_socket_is_for_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with listening(f"unix:{tmp_path}/socket", "--listen"):
            assert stat.S_IMODE((tmp_path / "socket").stat().st_mode) == 0o600
    finally:
        os.umask(before)


def test_a_gateway_says_at_once_why_it_cannot_reach_a_board_and_lets_nobody_else_in(
    service: Any, tmp_path: Path
) -> None:
    place = tmp_path / "gateway"
    one = service("gateway", "--devices", "serial:/dev/nowhere", "--listen", f"unix:{place}")
    one.says("board serial:/dev/nowhere has left or cannot take part: serial:/dev/nowhere: "
             "cannot be opened: No such file or directory")  # fmt: skip
    assert "tried for" not in one.text  # not after a while of trying
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert one.stop() == 0
