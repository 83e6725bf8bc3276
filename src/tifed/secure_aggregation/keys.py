"""Keys of a site: X25519, and what follows from it by HKDF-SHA256."""

from dataclasses import dataclass

from tifed.secure_aggregation.errors import ProtocolError

SEED = 16
"""Bytes of a secret that is shared."""
KEY = 32
"""Bytes of a public key, and of a key that two sites agree on."""
TAG = 16
"""Bytes by which a sealed text is longer."""

_LABEL = b"tifed secure aggregation 2 "


@dataclass(frozen=True)
class PublicKeys:
    """What a site shows of itself.

    Attributes:
        masks: for the masks between two sites; its private half can be opened by shares.
        shares: for sealing shares; its private half never leaves the site.
    """

    masks: bytes
    shares: bytes


def mask_key(seed: bytes, session: bytes) -> bytes:
    """The private key for masks that a site makes of its shared secret.

    Args:
        seed: the secret, `SEED` bytes.
        session: the exchange's own name.
    """
    return derived(seed, b"mask key", session)


def public(private: bytes) -> bytes:
    """The public half of a private key."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def agreed(private: bytes, other: bytes, *what: bytes) -> bytes:
    """The key that two sites agree on, of which ``what`` says what it is for.

    Raises:
        ProtocolError: if ``other`` is no public key.
    """
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

    try:
        own = X25519PrivateKey.from_private_bytes(private)
        secret = own.exchange(X25519PublicKey.from_public_bytes(other))
    except ValueError as error:
        raise ProtocolError("a neighbour's public key is none") from error
    return derived(secret, *what)


def derived(secret: bytes, *what: bytes) -> bytes:
    """`KEY` bytes that follow from ``secret`` for one purpose."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    lengths = b"".join(len(part).to_bytes(4, "little") + part for part in what)
    return HKDF(SHA256(), KEY, None, _LABEL + lengths).derive(secret)


def numbered(*sites: int) -> bytes:
    """Numbers of sites as bytes, each of 8."""
    return b"".join(site.to_bytes(8, "little") for site in sites)


def seal(key: bytes, text: bytes) -> bytes:
    """``text``, readable by those who have ``key``, which seals nothing else."""
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    return ChaCha20Poly1305(key).encrypt(bytes(12), text, None)


def opened(key: bytes, sealed: bytes) -> bytes | None:
    """The text; None if it was sealed with another key, or has changed on the way."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    try:
        return ChaCha20Poly1305(key).decrypt(bytes(12), sealed, None)
    except InvalidTag:
        return None
