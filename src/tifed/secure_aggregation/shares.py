"""Secrets in shares, so many of which open them and fewer of which say nothing (Shamir 1979).

The share of place i, from 1, is the value at i of a polynomial over GF(2**128) whose value at 0 is
the secret, and all of whose other coefficients are random.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from secrets import token_bytes

from tifed.secure_aggregation.errors import VoidExchangeError
from tifed.secure_aggregation.field import BYTES, data_of, element, inverses, product, small, times


def split(secret: bytes, shares: int, threshold: int) -> list[bytes]:
    """Shares of a secret of 16 bytes; each is as long.

    Args:
        secret: the secret.
        shares: how many to make.
        threshold: how many open it.
    """
    coefficients = [element(token_bytes(BYTES)) for _ in range(threshold - 1)] + [element(secret)]
    made = []
    for place in range(1, shares + 1):
        at, value = _place(place), 0
        for coefficient in coefficients:
            value = times(value, at) ^ coefficient
        made.append(data_of(value))
    return made


def joined(shares: Mapping[int, bytes], threshold: int) -> bytes:
    """The secret that ``shares`` are of, by their places, from 0.

    Raises:
        VoidExchangeError: if there are too few.
    """
    if len(shares) < threshold:
        raise VoidExchangeError(f"{len(shares)} shares of a lost site are there of {threshold}")
    chosen = sorted(shares)[:threshold]
    secret = 0
    for place, weight in zip(chosen, _weights(tuple(chosen)), strict=True):
        secret ^= times(weight, element(shares[place]))
    return data_of(secret)


@lru_cache(maxsize=256)
def _weights(places: Sequence[int]) -> list[int]:
    """What each share counts in the value at 0 of the polynomial through all of them (Lagrange).

    In a complete graph many lost sites have the same surviving neighbours, and so these weights.
    """
    points = [_place(place + 1) for place in places]
    beneath = [
        product((point, *(point ^ other for other in points if other != point))) for point in points
    ]
    above = product(points)
    return [times(above, part) for part in inverses(beneath)]


@lru_cache(maxsize=1024)
def _place(number: int) -> int:
    """The element that stands for a place."""
    return small(number)
