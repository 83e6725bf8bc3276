"""Open lines to devices: serial ports and sockets. Every read and write has a time limit."""

import socket
from collections.abc import Callable
from typing import Protocol

from tifed.link.reason import reason

_PIECE = 1 << 16
_WRITE_SECONDS = 10.0


class TransportClosedError(Exception):
    """The line is down: unplugged, refused, or closed from the other side.

    Attributes:
        lasting: it could not be opened, and waiting alone will not help.
    """

    def __init__(self, reason: str, lasting: bool = False) -> None:
        super().__init__(reason)
        self.lasting = lasting


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
            raise TransportClosedError(reason(error)) from error
        if not data:
            raise TransportClosedError("closed by the other side")
        return data

    def write(self, data: bytes) -> None:
        """Send all of ``data``."""
        try:
            self._socket.settimeout(_WRITE_SECONDS)
            self._socket.sendall(data)
        except OSError as error:
            raise TransportClosedError(reason(error)) from error

    def close(self) -> None:
        """Give it back."""
        self._socket.close()


class SerialTransport:
    """A serial port, 8N1."""

    def __init__(self, port: str, baud: int) -> None:
        """Open the port, which no other program may have open.

        Raises:
            TransportClosedError: if it cannot be opened.
        """
        import serial

        self._failed: tuple[type[Exception], ...] = (OSError, *_terminal_errors())
        # Of a speed that the port does not have it says that as a ValueError.
        not_opened: tuple[type[Exception], ...] = (*self._failed, ValueError)
        try:
            # Two programs on one port would each get some of the other's bytes.
            self._port = serial.Serial(
                port, baud, timeout=0, write_timeout=_WRITE_SECONDS, exclusive=True
            )
        except not_opened as error:
            raise TransportClosedError(reason(error), lasting=True) from error

    def read(self, seconds: float) -> bytes:
        """Bytes that arrive within ``seconds``."""
        try:
            self._port.timeout = max(0.0, seconds)
            first: bytes = self._port.read(1)
            return first + self._port.read(self._port.in_waiting) if first else b""
        except self._failed as error:
            raise TransportClosedError(reason(error)) from error

    def write(self, data: bytes) -> None:
        """Send all of ``data``."""
        try:
            self._port.write(data)
        except self._failed as error:
            raise TransportClosedError(reason(error)) from error

    def close(self) -> None:
        """Give it back."""
        self._port.close()


def _terminal_errors() -> tuple[type[Exception], ...]:
    """What else a serial port raises, where there is that."""
    try:
        import termios
    except ImportError:
        return ()
    return (termios.error,)
