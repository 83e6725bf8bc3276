"""The authority of a federation: signs certificates, and signs them again before they run out."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tifed.errors import UsageError

LIFE = timedelta(days=365)
"""Of a certificate; it can be renewed."""
AUTHORITY_LIFE = timedelta(days=3650)
CERTIFICATE, KEY = "ca.crt", "ca.key"

LONGEST_HOST = 64
"""Characters: it is the name in the broker's or the gateway's certificate as well."""
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?")

Key = ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class Authority:
    """An authority of its own, which nobody else trusts.

    Attributes:
        key: with which it signs.
        certificate: that those trust who trust it.
    """

    key: Key
    certificate: x509.Certificate

    @classmethod
    def new(cls) -> "Authority":
        """A new one."""
        key = ec.generate_private_key(ec.SECP384R1())
        name = _name("TIFeD federation")
        certificate = (
            _builder(name, name, key.public_key(), _now() + AUTHORITY_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .sign(key, hashes.SHA384())
        )
        return cls(key, certificate)

    @classmethod
    def read(cls, folder: Path) -> "Authority":
        """The one whose key and certificate are in ``folder``.

        Raises:
            UsageError: if they are not, or its time is over.
        """
        try:
            key = load_pem_private_key((folder / KEY).read_bytes(), None)
            certificate = x509.load_pem_x509_certificate((folder / CERTIFICATE).read_bytes())
        except OSError as error:
            raise UsageError(
                f"{folder}: certificates are renewed with {KEY} and {CERTIFICATE} "
                f"({error.strerror}: {Path(error.filename).name})"
            ) from error
        except (ValueError, TypeError) as error:
            raise UsageError(
                f"{folder}: {KEY} or {CERTIFICATE} cannot be read ({error})"
            ) from error
        if not isinstance(key, Key) or key.public_key() != certificate.public_key():
            raise UsageError(f"{folder}: {KEY} is not the key of {CERTIFICATE}")
        if certificate.not_valid_after_utc <= datetime.now(UTC):
            raise UsageError(f"{folder}: {CERTIFICATE} has run out; make new keys in a new folder")
        return cls(key, certificate)

    def write(self, folder: Path) -> list[Path]:
        """Keep it in ``folder``; its key is readable for its owner alone."""
        return [
            write_private(folder / KEY, pem_of(self.key)),
            write_public(folder / CERTIFICATE, self.pem),
        ]

    @property
    def pem(self) -> bytes:
        """Its certificate."""
        return self.certificate.public_bytes(Encoding.PEM)

    def issue(self, name: str, hosts: tuple[str, ...] = ()) -> tuple[bytes, bytes]:
        """A new private key, and the certificate that it belongs to ``name``, both in PEM.

        Args:
            name: of whoever gets it.
            hosts: names and addresses by which a server is reached; none if it is no server.
        """
        key = ec.generate_private_key(ec.SECP384R1())
        use = ExtendedKeyUsageOID.SERVER_AUTH if hosts else ExtendedKeyUsageOID.CLIENT_AUTH
        until = min(_now() + LIFE, self.certificate.not_valid_after_utc)
        builder = (
            _builder(_name(name), self.certificate.subject, key.public_key(), until)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([use]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()),
                critical=False,
            )
        )
        if hosts:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([_general(host) for host in hosts]), critical=False
            )
        certificate = builder.sign(self.key, hashes.SHA384())
        return pem_of(key), certificate.public_bytes(Encoding.PEM)


def check_host(name: str, field: str) -> None:
    """Make sure that a certificate can be for a host, by its name or its address.

    Raises:
        UsageError: if it cannot.
    """
    try:
        ip_address(name)
    except ValueError as error:
        if _HOST.fullmatch(name) is not None and len(name) <= LONGEST_HOST:
            return
        raise UsageError(
            f"{field}: {name[:100]!r} is no address, nor a host's name of up to {LONGEST_HOST} "
            "letters, digits, dots, dashes and underscores (other letters in their form xn--...)"
        ) from error


def write_private(path: Path, content: bytes) -> Path:
    """Write a file that nobody but its owner may read, at no moment."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(content)
    return path


def write_public(path: Path, content: bytes) -> Path:
    """Write a file that anybody may read."""
    path.write_bytes(content)
    return path


def pem_of(key: Key) -> bytes:
    """A private key in PEM."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def hosts_of(certificate: bytes) -> tuple[str, ...]:
    """The names and addresses that a certificate in PEM is for, none if it is no server's.

    Raises:
        UsageError: if it is no certificate.
    """
    try:
        extensions = x509.load_pem_x509_certificate(certificate).extensions
    except ValueError as error:
        raise UsageError(f"not a certificate ({error})") from error
    try:
        found = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(str(one.value) for one in found)


def _now() -> datetime:
    # A little in the past: the clocks of two machines differ.
    return datetime.now(UTC) - timedelta(hours=1)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general(name: str) -> x509.GeneralName:
    """A host name, or an address if it is one."""
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, until: datetime
) -> x509.CertificateBuilder:
    return x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number(), _now(), until)


def _usage(signs: bool) -> x509.KeyUsage:
    """What a key is for: signing certificates, or speaking TLS."""
    return x509.KeyUsage(
        digital_signature=not signs, key_cert_sign=signs, crl_sign=signs,
        content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
