"""Secrets in shares, so many of which open them and fewer of which say nothing (Shamir 1979).

The share of place i, from 1, is the value at i of a polynomial over GF(2**128) whose value at 0 is
the secret, and which nobody can tell from a random one who knows fewer of them.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from tifed.secure_aggregation.errors import VoidExchangeError
from tifed.secure_aggregation.field import data_of, element, inverses, product, small, times


def split(secret: bytes, given: Sequence[bytes], shares: int) -> list[bytes]:
    """The shares of a secret of 16 bytes that follow those which are ``given``, each as long.

    One more than these opens the secret. As long as they cannot be told from random ones, the
    coefficients cannot either.

    Args:
        secret: the secret.
        given: of the first places, chosen beforehand.
        shares: how many there are in all.
    """
    points = [_place(number) for number in range(len(given) + 1)]
    # Newton's form of the polynomial through the secret at 0 and these: divided differences.
    parts = [element(value) for value in (secret, *given)]
    inverse = _inverses(len(given).bit_length())
    for order in range(1, len(parts)):
        for place in range(len(parts) - 1, order - 1, -1):
            apart = inverse[place ^ place - order]  # the difference of places is one of numbers
            parts[place] = times(parts[place] ^ parts[place - 1], apart)
    made = []
    for number in range(len(given) + 1, shares + 1):
        at, value = _place(number), 0
        for part, point in zip(reversed(parts), reversed(points), strict=True):
            value = times(value, at ^ point) ^ part
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


@lru_cache(maxsize=16)
def _inverses(bits: int) -> list[int]:
    """The inverses of the elements that stand for numbers of so many bits; 0 in place of 0's."""
    return [0, *inverses([_place(number) for number in range(1, 1 << bits)])]


@lru_cache(maxsize=1024)
def _place(number: int) -> int:
    """The element that stands for a place."""
    return small(number)
