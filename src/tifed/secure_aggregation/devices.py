"""Masks of single devices: who shares them with whom, and how they come off a sum (SPEC, 21.5).

The devices make the masks (``board/firmware/device_masked.c``); here is what their host does.
"""

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from tifed.errors import UsageError
from tifed.secure_aggregation.errors import VoidExchangeError

LEAST_DEVICES = 3
"""In a sum; devices ask for as many themselves."""
SUM_BITS = 32
"""Of the ring that devices mask in."""

Words = NDArray[np.uint32]
Partners = Mapping[int, Collection[int]]
"""Of each device those that it shares masks with."""


def ring(devices: Collection[int], most: int) -> dict[int, tuple[int, ...]]:
    """With whom each of ``devices`` shares masks: the nearest by number, as many on either side.

    Args:
        devices: their numbers.
        most: with how many a device can share, 2 or more.

    >>> ring([1, 2, 5], 8)
    {1: (2, 5), 2: (1, 5), 5: (1, 2)}
    >>> ring(range(6), 3)[0]
    (1, 5)
    """
    order = sorted(devices)
    if len(order) <= most + 1:
        return {own: tuple(other for other in order if other != own) for own in order}
    steps = [step for side in range(1, most // 2 + 1) for step in (side, -side)]
    return {
        own: tuple(sorted(order[(place + step) % len(order)] for step in steps))
        for place, own in enumerate(order)
    }


def among(partners: Partners, devices: Collection[int]) -> dict[int, tuple[int, ...]]:
    """The same for ``devices`` alone."""
    there = set(devices)
    return {own: tuple(other for other in partners[own] if other in there) for own in devices}


def check_hidden(partners: Partners) -> None:
    """Make sure that a sum over all devices in ``partners`` is the only one that can be had.

    Raises:
        VoidExchangeError: if there are too few, or they fall into parts with a sum each.
    """
    if len(partners) < LEAST_DEVICES:
        raise VoidExchangeError(
            f"{len(partners)} devices are left, and a sum over fewer than {LEAST_DEVICES} hides "
            "none of them"
        )
    for own, others in partners.items():
        if len(others) < LEAST_DEVICES - 1:
            raise VoidExchangeError(f"device {own} shares masks with {len(others)} that are left")
    first = next(iter(partners))
    reached, fresh = {first}, [first]
    while fresh:
        found = {other for own in fresh for other in partners[own]} - reached
        reached |= found
        fresh = list(found)
    if len(reached) < len(partners):
        raise VoidExchangeError("the devices that are left share no masks with one another")


def mask_words(seed: bytes, vector: int, count: int) -> Words:
    """The first ``count`` words of the mask that ``seed`` of 32 bytes gives for a vector."""
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20

    # A counter of 4 bytes, from 0, and RFC 8439's nonce of 12.
    start = bytes(4) + vector.to_bytes(4, "little") + bytes(8)
    stream = Cipher(ChaCha20(seed, start), None).encryptor().update(bytes(4 * count))
    return np.frombuffer(stream, "<u4").astype(np.uint32)


def take_off(summed: Mapping[int, Words], device: int, other: int, seed: bytes) -> None:
    """Take off a sum, in place, the mask that ``device`` has put on its vector.

    Args:
        summed: the sum's words, by the number of the vector.
        device: whose vector is in the sum.
        other: whom the mask is shared with; ``device`` itself if it is its own.
        seed: that ``device`` has told.
    """
    for vector, words in summed.items():
        mask = mask_words(seed, vector, len(words))
        if other < device:
            np.add(words, mask, out=words)
        else:
            np.subtract(words, mask, out=words)


def whole(words: Words) -> NDArray[np.int64]:
    """The sums that ``words`` are, int64, from -2**31 on."""
    return words.view(np.int32).astype(np.int64)


def check_bounds(bounds: Mapping[str, int]) -> None:
    """Make sure that no sum can be taken for another one, modulo 2**32.

    Args:
        bounds: the largest magnitude of a sum, by what it is.

    Raises:
        UsageError: naming one that can.
    """
    for name, bound in bounds.items():
        if bound >= 1 << SUM_BITS - 1:
            raise UsageError(
                f"privacy.device_masks: devices mask words of {SUM_BITS} bits, and {name} can be "
                f"{bound:,}, which is 2**{SUM_BITS - 1} or more; take fewer devices to a gateway, "
                "or less of what is named"
            )
