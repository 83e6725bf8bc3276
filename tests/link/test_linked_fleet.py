"""Devices behind sockets and serial ports: emulated boards, each served on a line of its own."""

import os
import pty
import select
import socket
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from tifed.board.emulators.unicorn import UnicornBoard
from tifed.board.firmware import build_firmware, experiment_header
from tifed.board.firmware.emulated_boards import UNICORN
from tifed.errors import UsageError
from tifed.experiment import Experiment, run
from tifed.experiment.load import load_experiment
from tifed.experiment.setup import build
from tifed.link import TransportClosedError, open_transport

SMALL: dict[str, Any] = {"dataset": "digits", "devices": 3, "rounds": 2, "layers": [64, 6, 10]}


def serve(board: UnicornBoard, descriptor: int, stop: threading.Event) -> None:
    """Carry bytes between a board and a file descriptor."""
    # Whoever hangs up may not wait for all that the board says.
    with suppress(ConnectionResetError, BrokenPipeError):
        while not stop.is_set():
            if select.select([descriptor], [], [], 0.001)[0]:
                data = os.read(descriptor, 4096)
                if not data:
                    return
                board.write(data)
            said = board.read(0)
            while said:
                said = said[os.write(descriptor, said) :]


@pytest.fixture
def lines(tmp_path: Path) -> Iterator[list[str]]:
    """Addresses of three devices: on TCP, on a Unix socket, on a serial line."""
    network = build(Experiment(**SMALL)).network
    header = experiment_header(network, [(0, 1)], 20, 10)
    firmware = build_firmware(UNICORN["cortex-m3"], header)
    stop = threading.Event()
    with ExitStack() as open_things:
        threads = []

        def start(target: Callable[[], None]) -> None:
            threads.append(threading.Thread(target=target, daemon=True))
            threads[-1].start()

        def on_socket(family: socket.AddressFamily, address: Any) -> socket.socket:
            listening = open_things.enter_context(socket.socket(family))
            listening.bind(address)
            listening.listen(1)
            board = UnicornBoard(firmware)

            def accept() -> None:
                connection, _ = listening.accept()
                with connection:
                    serve(board, connection.fileno(), stop)

            start(accept)
            return listening

        port = on_socket(socket.AF_INET, ("127.0.0.1", 0)).getsockname()[1]
        on_socket(socket.AF_UNIX, str(tmp_path / "device"))
        here, there = pty.openpty()
        open_things.callback(os.close, there)
        open_things.callback(os.close, here)
        tty.setraw(here)
        tty.setraw(there)
        board = UnicornBoard(firmware)
        start(lambda: serve(board, here, stop))
        addresses = [
            f"tcp:127.0.0.1:{port}", f"unix:{tmp_path / 'device'}", f"serial:{os.ttyname(there)}"
        ]  # fmt: skip
        yield addresses
        stop.set()
        for thread in threads:
            thread.join(10)
            assert not thread.is_alive()


def test_a_linked_fleet_gives_the_simulators_digest(lines: list[str]) -> None:
    linked = run(Experiment(**SMALL, fleet="linked", link={"devices": lines}))
    assert linked.digest == run(Experiment(**SMALL)).digest


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["fleet=linked"], "link.devices: goes with fleet = 'linked'"),
        (["fleet=linked", 'link.devices=["tcp:a:1"]', "devices=2"], "1 line for 2 devices"),
        (["link.devices=['tcp:a:1']"], "only with it"),
        (["link.on_reboot=perhaps"], "link.on_reboot"),
        (["fleet=emulated", "board=z80"], "board"),
    ],
)
def test_impossible_lines_are_named(settings: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load_experiment(overrides=settings)


@pytest.mark.parametrize("address", ["serial:", "tcp:host", "tcp::80", "tcp:host:0", "usb:3", "x"])
def test_an_address_that_is_none(address: str) -> None:
    with pytest.raises(UsageError, match="is not serial:"):
        build(Experiment(dataset="digits", devices=1, fleet="linked", link={"devices": [address]}))


@pytest.mark.parametrize("address", ["tcp:127.0.0.1:1", "unix:/nowhere", "serial:/dev/nowhere"])
def test_nobody_there(address: str) -> None:
    with pytest.raises(TransportClosedError):
        open_transport(address, seconds=1)
