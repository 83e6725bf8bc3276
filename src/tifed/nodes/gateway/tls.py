"""Mutual TLS between a gateway at a TCP address and its nodes: Python's own, and no option less.

What one end needs is in one private file in PEM: its key, its certificate, and then the certificate
of the authority that both ends trust (`tifed flower keys --gateway`).
"""

import re
import socket
import ssl
from pathlib import Path
from typing import Any

from tifed.errors import UsageError
from tifed.link.address import host_and_port
from tifed.link.reason import reason

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n?", re.DOTALL)
_OF_OTHERS = 0o077


def gateway_context(path: Path, field: str) -> ssl.SSLContext:
    """For a gateway: it has the certificate in ``path``, and asks for one.

    Args:
        path: the private file.
        field: what to call it in errors.

    Raises:
        UsageError: if it is not such a file, or others may read it.
    """
    return _context(ssl.PROTOCOL_TLS_SERVER, path, field)


def node_context(path: Path, field: str) -> ssl.SSLContext:
    """For a node: it has the certificate in ``path``, and asks for one of the gateway's host.

    Args:
        path: the private file.
        field: what to call it in errors.

    Raises:
        UsageError: if it is not such a file, or others may read it.
    """
    return _context(ssl.PROTOCOL_TLS_CLIENT, path, field)


def wrap_for(context: ssl.SSLContext, connection: socket.socket, address: str) -> ssl.SSLSocket:
    """A node's connection to the gateway at ``address``, ``tcp:HOST:PORT``, made secure.

    Raises:
        OSError: if the gateway has no certificate for that host, or does not want this node.
    """
    host, _ = host_and_port(address.partition(":")[2])
    return context.wrap_socket(connection, server_hostname=host)


def names_of(connection: ssl.SSLSocket) -> list[str]:
    """Whose certificate the other end has shown: the common names in it."""
    certificate: dict[str, Any] = dict(connection.getpeercert() or {})
    return [
        str(value)
        for part in certificate.get("subject", ())
        for key, value in part
        if key == "commonName"
    ]


def _context(protocol: Any, path: Path, field: str) -> ssl.SSLContext:
    try:
        mode, text = path.stat().st_mode, path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        why = reason(error) if isinstance(error, OSError) else "not a text"
        raise UsageError(f"{field}: {path} cannot be read ({why})") from error
    if mode & _OF_OTHERS:
        raise UsageError(f"{field}: others may read {path}, and the key in it; chmod 600 it")
    authorities = _CERTIFICATE.findall(text)[1:]
    if not authorities:
        raise UsageError(
            f"{field}: {path} has no key, certificate and authority's certificate; "
            "tifed flower keys --gateway makes such files"
        )
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    try:
        context.load_cert_chain(path, password="")  # none is asked for at the terminal
        context.load_verify_locations(cadata="".join(authorities))
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        raise UsageError(f"{field}: {path} is of no use for TLS ({error})") from error
    return context
