"""Addresses of lines: what is one, and which two of them are the same line."""

from collections.abc import Sequence

from tifed.errors import UsageError
from tifed.link.scheme import TRANSPORTS, forms


def check_address(address: str, field: str) -> None:
    """Make sure that ``address``, given as ``field``, is one that `open_transport` understands.

    Raises:
        UsageError: if it is not.
    """
    if not _sound(address):
        raise UsageError(f"{field}: {address!r} is not {forms()}")


def check_socket_address(address: str, field: str) -> None:
    """Make sure that ``address``, given as ``field``, is one where a program listens.

    Raises:
        UsageError: if it is not.
    """
    if not address.startswith(("unix:", "tcp:")) or not _sound(address):
        raise UsageError(f"{field}: {address!r} is not unix:PATH or tcp:HOST:PORT")


def check_distinct(addresses: Sequence[str], field: str) -> None:
    """Make sure that no two of ``addresses``, given as ``field``, are the same line.

    Raises:
        UsageError: naming two that are.
    """
    repeated = repeated_line(addresses)
    if repeated is not None:
        raise UsageError(f"{field}: {repeated}")


def repeated_line(addresses: Sequence[str]) -> str | None:
    """Which line is named twice, in words; None if none is.

    >>> repeated_line(["tcp:localhost:5000", "tcp:LOCALHOST:5000"])
    'tcp:localhost:5000 and tcp:LOCALHOST:5000 are the same line; name each one once'
    """
    seen: dict[str, str] = {}
    for address in addresses:
        line = _line(address)
        if seen.get(line) == address:
            return f"{address} is named twice; name each line once"
        if line in seen:
            return f"{seen[line]} and {address} are the same line; name each one once"
        seen[line] = address
    return None


def exposed_lines(addresses: Sequence[str]) -> str | None:
    """Which lines others can reach who do not have the devices, in words; None if none.

    >>> exposed_lines(["unix:a", "tcp:localhost:5000", "tcp:192.168.0.7:5000"])
    'tcp:192.168.0.7:5000 goes over a network or radio, where others can read and change it'
    """
    exposed = [
        address
        for address in addresses
        if _sound(address)
        and TRANSPORTS[address.partition(":")[0]]().exposed(address.partition(":")[2])
    ]
    verb = "goes" if len(exposed) == 1 else "go"
    return (
        f"{', '.join(exposed)} {verb} over a network or radio, where others can read and change it"
        if exposed
        else None
    )


def host_and_port(place: str) -> tuple[str, int]:
    """The two in ``host:port``; a numeric IPv6 host may have brackets, which go.

    >>> host_and_port("[::1]:5000")
    ('::1', 5000)
    """
    host, _, port = place.rpartition(":")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _sound(address: str) -> bool:
    kind, colon, place = address.partition(":")
    return (
        bool(colon) and "\0" not in place and kind in TRANSPORTS and TRANSPORTS[kind]().sound(place)
    )


def _line(address: str) -> str:
    """The same text for every address of a line."""
    if not _sound(address):
        return address
    kind, _, place = address.partition(":")
    return f"{kind}:{TRANSPORTS[kind]().line(place)}"
