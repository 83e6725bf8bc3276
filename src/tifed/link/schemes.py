"""The kinds of lines that TIFeD opens itself."""

import errno
import importlib.util
import os
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

from tifed.link.address import host_and_port
from tifed.link.opening import connect
from tifed.link.reason import reason
from tifed.link.scheme import Scheme
from tifed.link.transport import SerialTransport, SocketTransport, Transport, TransportClosedError

_LONGEST_PORT = 5
_LASTING = {errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.ELOOP}
"""Errors of a socket that waiting does not end.

Others may pass: a program that is to listen there may start later, and make the socket then.
"""


class Serial(Scheme):
    """A serial port, by its path."""

    form = "serial:/dev/…"

    def line(self, place: str) -> str:
        """The path with links followed, so that two names of one line are the same."""
        return os.path.normcase(os.path.realpath(place))

    def exposed(self, place: str) -> bool:
        """What is Bluetooth by its name; other radios at a port look like a wire."""
        return Path(self.line(place)).name.startswith("rfcomm")

    def lacking(self) -> str:
        """pyserial, which not everybody needs."""
        there = importlib.util.find_spec("serial") is not None
        return "" if there else "a serial port needs pyserial; pip install 'tifed[serial]'"

    def open(self, place: str, baud: int, seconds: float) -> Transport:
        """The port at ``place``, at once or not at all."""
        del seconds
        return SerialTransport(place, baud)


class Tcp(Scheme):
    """A TCP connection, to host and port."""

    form = "tcp:host:port"

    def sound(self, place: str) -> bool:
        """A host, and a port in 1..65535."""
        host, _, port = place.rpartition(":")
        number = int(port) if port.isdecimal() and len(port) <= _LONGEST_PORT else 0
        return bool(host) and 0 < number < 1 << 16

    def line(self, place: str) -> str:
        """Names in small letters; they are not looked up, for tomorrow they may be elsewhere."""
        host, port = host_and_port(place)
        host = host.lower().removesuffix(".")
        with suppress(ValueError):
            host = str(ip_address("127.0.0.1" if host == "localhost" else host))
        return f"{host}:{port}"

    def exposed(self, place: str) -> bool:
        """Everywhere but inside this machine."""
        host, _ = host_and_port(self.line(place))
        try:
            return not ip_address(host).is_loopback
        except ValueError:
            return True

    def open(self, place: str, baud: int, seconds: float) -> Transport:
        """A connection."""
        del baud
        return _socket(f"tcp:{place}", seconds)


class Unix(Scheme):
    """A Unix socket, by its path."""

    form = "unix:path"

    def line(self, place: str) -> str:
        """The path with links followed, so that two names of one line are the same."""
        return os.path.normcase(os.path.realpath(place))

    def exposed(self, place: str) -> bool:
        """Never: it is inside this machine, and files say who may open it."""
        del place
        return False

    def open(self, place: str, baud: int, seconds: float) -> Transport:
        """A connection."""
        del baud
        return _socket(f"unix:{place}", seconds)


def _socket(address: str, seconds: float) -> Transport:
    """A connection to whoever listens at ``address``."""
    try:
        return SocketTransport(connect(address, seconds))
    except OSError as error:
        # Without a number it is no word of the system's: no socket has such an address.
        impossible = type(error) is OSError and error.errno is None
        lasting = impossible or error.errno in _LASTING
        raise TransportClosedError(reason(error), lasting) from error
