"""Opening the line to a device by its address."""

import socket

from tifed.errors import UsageError
from tifed.link.address import check_address, host_and_port
from tifed.link.scheme import TRANSPORTS
from tifed.link.transport import Opener, Transport


def open_transport(address: str, baud: int = 115_200, seconds: float = 5.0) -> Transport:
    """Open the line to a device.

    Args:
        address: ``serial:/dev/ttyACM0``, ``tcp:host:port``, ``unix:path``, or of another scheme
            that is registered.
        baud: bits per second of a serial line.
        seconds: longest time to wait for a connection.

    Raises:
        UsageError: if ``address`` is none of these, or a package is missing.
        TransportClosedError: if there is nothing at the other end.
    """
    return address_opener(address, baud, seconds=seconds)()


def connect(address: str, seconds: float) -> socket.socket:
    """A connection to ``tcp:host:port`` or ``unix:path``; a numeric IPv6 host may have brackets.

    Raises:
        OSError: if nobody listens within ``seconds``.
    """
    kind, _, place = address.partition(":")
    if kind == "tcp":
        try:
            return socket.create_connection(host_and_port(place), seconds)
        except UnicodeError as error:
            raise OSError("not a host's name") from error
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(seconds)
        connection.connect(place)
    except OSError:
        connection.close()
        raise
    return connection


def address_opener(
    address: str, baud: int = 115_200, field: str = "link.devices", seconds: float = 5.0
) -> Opener:
    """How to open the line at ``address``, now and again.

    Args:
        address: see `open_transport`.
        baud: bits per second of a serial line.
        field: what to call it in errors.
        seconds: longest time to wait for a connection.

    Raises:
        UsageError: if it is not an address, or a package is missing.
    """
    check_address(address, field)
    kind, _, place = address.partition(":")
    scheme = TRANSPORTS[kind]()
    if lacking := scheme.lacking():
        raise UsageError(f"{field}: {lacking}")
    return lambda: scheme.open(place, baud, seconds)
