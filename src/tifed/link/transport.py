"""Lines to devices: serial ports, TCP and Unix sockets. Every read and write has a time limit."""

import socket
from collections.abc import Callable
from typing import Protocol

from tifed.errors import UsageError

_PIECE = 1 << 16
_WRITE_SECONDS = 10.0


class TransportClosedError(Exception):
    """The line is down: unplugged, refused, or closed from the other side."""


class Transport(Protocol):
    """Bytes both ways."""

    def read(self, seconds: float) -> bytes:
        """Bytes that arrive within ``seconds``; ``b""`` if none do.

        Raises:
            TransportClosedError: if the line is down.
        """

    def write(self, data: bytes) -> None:
        """Send all of ``data``.

        Raises:
            TransportClosedError: if the line is down, or does not take it in time.
        """

    def close(self) -> None:
        """Give the line back; calling it again does nothing."""


Opener = Callable[[], Transport]
"""Opens a line, at first and again after it went down; raises `TransportClosedError`."""


class SocketTransport:
    """A connected stream socket."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        if connection.family != socket.AF_UNIX:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def read(self, seconds: float) -> bytes:
        """Bytes that arrive within ``seconds``."""
        try:
            self._socket.settimeout(max(0.0, seconds))
            data = self._socket.recv(_PIECE)
        except (TimeoutError, BlockingIOError):
            return b""
        except OSError as error:
            raise TransportClosedError(str(error)) from error
        if not data:
            raise TransportClosedError("closed by the other side")
        return data

    def write(self, data: bytes) -> None:
        """Send all of ``data``."""
        try:
            self._socket.settimeout(_WRITE_SECONDS)
            self._socket.sendall(data)
        except OSError as error:
            raise TransportClosedError(str(error)) from error

    def close(self) -> None:
        """Give it back."""
        self._socket.close()


class SerialTransport:
    """A serial port, 8N1."""

    def __init__(self, port: str, baud: int) -> None:
        try:
            import serial
        except ImportError as error:
            raise UsageError(
                "link.devices: a serial port needs pyserial; pip install 'tifed[serial]'"
            ) from error
        self._failed: tuple[type[Exception], ...] = (serial.SerialException, OSError)
        try:
            self._port = serial.Serial(port, baud, timeout=0, write_timeout=_WRITE_SECONDS)
        except self._failed as error:
            raise TransportClosedError(str(error)) from error

    def read(self, seconds: float) -> bytes:
        """Bytes that arrive within ``seconds``."""
        try:
            self._port.timeout = max(0.0, seconds)
            first: bytes = self._port.read(1)
            return first + self._port.read(self._port.in_waiting) if first else b""
        except self._failed as error:
            raise TransportClosedError(str(error)) from error

    def write(self, data: bytes) -> None:
        """Send all of ``data``."""
        try:
            self._port.write(data)
        except self._failed as error:
            raise TransportClosedError(str(error)) from error

    def close(self) -> None:
        """Give it back."""
        self._port.close()


def open_transport(address: str, baud: int = 115_200, seconds: float = 5.0) -> Transport:
    """Open the line to a device.

    Args:
        address: ``serial:/dev/ttyACM0``, ``tcp:host:port`` or ``unix:path``.
        baud: bits per second of a serial line.
        seconds: longest time to wait for a connection.

    Raises:
        UsageError: if ``address`` is none of these.
        TransportClosedError: if there is nothing at the other end.
    """
    check_address(address)
    kind, _, place = address.partition(":")
    if kind == "serial":
        return SerialTransport(place, baud)
    try:
        return SocketTransport(connect(address, seconds))
    except OSError as error:
        raise TransportClosedError(f"{address}: {error}") from error


def connect(address: str, seconds: float) -> socket.socket:
    """A connection to ``tcp:host:port`` or ``unix:path``; a numeric IPv6 host may have brackets.

    Raises:
        OSError: if nobody listens within ``seconds``.
    """
    kind, _, place = address.partition(":")
    if kind == "tcp":
        host, _, port = place.rpartition(":")
        return socket.create_connection((host.strip("[]"), int(port)), seconds)
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(seconds)
        connection.connect(place)
    except OSError:
        connection.close()
        raise
    return connection


def address_opener(address: str, baud: int = 115_200) -> Opener:
    """How to open the line at ``address``, now and again.

    Raises:
        UsageError: if it is not an address.
    """
    check_address(address)
    return lambda: open_transport(address, baud)


def check_address(address: str, field: str = "link.devices") -> None:
    """Make sure that ``address``, given as ``field``, is one that `open_transport` understands.

    Raises:
        UsageError: if it is not.
    """
    kind, _, place = address.partition(":")
    host, _, port = place.rpartition(":")
    number = int(port) if port.isdecimal() else 0
    sound = {"serial": bool(place), "unix": bool(place), "tcp": host and 0 < number < 65536}
    if not sound.get(kind):
        raise UsageError(f"{field}: {address!r} is not serial:/dev/…, tcp:host:port or unix:path")
