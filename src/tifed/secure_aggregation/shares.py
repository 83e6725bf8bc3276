"""Secrets in shares, so many of which open them and fewer of which say nothing (Shamir 1979)."""

from collections.abc import Mapping

from tifed.secure_aggregation.errors import VoidExchangeError


def split(secret: bytes, shares: int, threshold: int) -> list[bytes]:
    """Shares of a secret of 16 bytes; each is as long.

    Args:
        secret: the secret.
        shares: how many to make.
        threshold: how many open it.
    """
    from Crypto.Protocol.SecretSharing import Shamir

    return [share for _, share in Shamir.split(threshold, shares, secret, False)]


def joined(shares: Mapping[int, bytes], threshold: int) -> bytes:
    """The secret that ``shares`` are of, by their places, from 0.

    Raises:
        VoidExchangeError: if there are too few.
    """
    from Crypto.Protocol.SecretSharing import Shamir

    if len(shares) < threshold:
        raise VoidExchangeError(f"{len(shares)} shares of a lost site are there of {threshold}")
    chosen = sorted(shares.items())[:threshold]
    return bytes(Shamir.combine([(place + 1, share) for place, share in chosen], False))
