"""Files of certificates and keys for a federation: made, and renewed."""

from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from tifed.nodes.keys.authority import (
    CERTIFICATE,
    Authority,
    hosts_of,
    write_private,
    write_public,
)


@dataclass(frozen=True)
class ServerCertificates:
    """Files that a SuperLink and those who connect to it need.

    Attributes:
        authority: the certificate that those who connect trust.
        certificate: the server's.
        key: the server's private key.
    """

    authority: Path
    certificate: Path
    key: Path


def make_server_certificates(
    folder: Path, names: tuple[str, ...], authority: Authority | None = None
) -> ServerCertificates:
    """Make a server certificate, and the authority that signs it unless there is one.

    Args:
        folder: where the files go; it should be private.
        names: host names and addresses by which the server is reached.
        authority: that signs; a new one's key is not kept.
    """
    authority = authority or Authority.new()
    key, certificate = authority.issue(names[0], names)
    return ServerCertificates(
        write_public(folder / CERTIFICATE, authority.pem),
        write_public(folder / "server.crt", certificate),
        write_private(folder / "server.key", key),
    )


def make_gateway_files(folder: Path, number: int, host: str, authority: Authority) -> list[Path]:
    """Make what gateway ``number`` and its node need for TLS between them.

    Args:
        folder: where the files go; it should be private.
        number: of the node.
        host: name or address by which the node reaches the gateway.
        authority: that signs.
    """
    return [
        _write_all(folder / f"gateway-{number}.pem", f"gateway-{number}", (host,), authority),
        _write_all(folder / f"node-{number}.pem", f"node-{number}", (), authority),
    ]


def renew(folder: Path, hosts: tuple[str, ...] = ()) -> list[Path]:
    """Sign all certificates in ``folder`` again, with new keys; those of nodes at Flower stay.

    Args:
        folder: with the authority's key.
        hosts: names and addresses by which the server is reached; default those of before.

    Raises:
        UsageError: if the authority's key is missing, or its time is over.
    """
    authority = Authority.read(folder)
    certificate = (folder / "server.crt").read_bytes()
    made = make_server_certificates(folder, hosts or hosts_of(certificate), authority)
    written = [made.certificate, made.key]
    for path in sorted([*folder.glob("gateway-*.pem"), *folder.glob("node-*.pem")]):
        own = path.read_bytes()
        own = own[own.index(b"-----BEGIN CERTIFICATE-----") :]
        written.append(_write_all(path, path.stem, hosts_of(own), authority))
    return written


def make_node_key(folder: Path, name: str) -> Path:
    """Make a node's key pair: ``name`` and ``name.pub``; the path of the private one."""
    key = ec.generate_private_key(ec.SECP384R1())
    path = write_private(
        folder / name, key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    )
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    write_public(path.with_suffix(".pub"), public + b"\n")
    return path


def _write_all(path: Path, name: str, hosts: tuple[str, ...], authority: Authority) -> Path:
    """A private file with all that one end needs (`tifed.nodes.gateway.tls`)."""
    key, certificate = authority.issue(name, hosts)
    return write_private(path, key + certificate + authority.pem)
