"""The other end of `open_transport`: sockets that wait for somebody to connect."""

import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tifed.errors import UsageError
from tifed.link.address import check_socket_address, host_and_port
from tifed.link.reason import reason

_PROBE_SECONDS = 1.0


@contextmanager
def listening(address: str, field: str) -> Iterator[socket.socket]:
    """Listen at ``address`` as long as the context lasts.

    A Unix socket is for its owner alone, and one that a killed process has left is replaced.

    Args:
        address: ``unix:PATH`` or ``tcp:HOST:PORT``.
        field: what to call it in errors.

    Raises:
        UsageError: if it is not an address, or somebody listens there already.
    """
    check_socket_address(address, field)
    kind, _, place = address.partition(":")
    path = Path(place) if kind == "unix" else None
    with socket.socket(socket.AF_UNIX if path else _family(place)) as listener:
        try:
            if path is not None:
                _bind(listener, path)
            else:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind(host_and_port(place))
            listener.listen()
        except (OSError, UnicodeError) as error:  # UnicodeError: not a host's name
            raise UsageError(f"{field}: cannot listen at {address} ({reason(error)})") from error
        try:
            yield listener
        finally:
            if path is not None:
                path.unlink(missing_ok=True)


def _family(place: str) -> socket.AddressFamily:
    return socket.AF_INET6 if place.count(":") > 1 else socket.AF_INET


def _bind(listener: socket.socket, path: Path) -> None:
    """Bind to ``path``, in the place of a socket that nobody listens at any more."""
    if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(_PROBE_SECONDS)
            try:
                probe.connect(str(path))
            except ConnectionRefusedError:
                path.unlink()
    mask = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(mask)
