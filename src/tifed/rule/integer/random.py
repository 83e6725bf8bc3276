"""Counter-based random numbers: the n-th number of a stream without the n-1 before it (SPEC, 3).

A stream is named by a seed, a purpose and up to three indices (a layer, a device, a round). Nothing
keeps state, so neither the order of the work nor the number of threads can change a result, and a
device makes its feedback matrix again whenever it needs an entry of it. Only 32-bit operations are
used: a Cortex-M0 has no wider multiply.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint32]

_WORD = 0xFFFFFFFF
# Multipliers and shifts of the low-bias 32-bit finaliser found by C. Wellons' search
# ("Prospecting for hash functions", 2018; released into the public domain).
_MULTIPLIER_1 = 0x7FEB352D
_MULTIPLIER_2 = 0x846CA68B
# 2**32 / golden ratio: a stride that makes neighbouring indices differ in many bits.
_STRIDE = 0x9E3779B9


class Purpose(IntEnum):
    """What a stream is for; two purposes never share numbers."""

    FEEDBACK = 1
    START = 2
    PARTITION = 3
    SAMPLING = 4
    FAULT = 5
    ROUNDING = 6
    BASELINE = 7
    COPY = 8
    STORE = 9


@dataclass(frozen=True, slots=True)
class Key:
    """Names one stream: two 32-bit words."""

    low: int
    high: int


def _mix(word: int) -> int:
    """Scramble one 32-bit word; a bijection."""
    word ^= word >> 16
    word = word * _MULTIPLIER_1 & _WORD
    word ^= word >> 15
    word = word * _MULTIPLIER_2 & _WORD
    return word ^ word >> 16


def _mix_array(words: Words) -> Words:
    """`_mix` for every word of an array."""
    words = words ^ (words >> np.uint32(16))
    words = words * np.uint32(_MULTIPLIER_1)
    words ^= words >> np.uint32(15)
    words *= np.uint32(_MULTIPLIER_2)
    return words ^ (words >> np.uint32(16))


def stream_key(seed: int, purpose: Purpose, *indices: int) -> Key:
    """Name the stream of ``purpose`` and ``indices`` under ``seed``.

    Args:
        seed: 0..2**64 - 1.
        purpose: what the numbers are for.
        indices: each 0..2**32 - 1, for example a layer, or a device and a round.

    Raises:
        ValueError: if the seed or an index is out of range.
    """
    if not 0 <= seed < 1 << 64:
        raise ValueError(f"seed: {seed} is not in 0..2**64 - 1")
    low = _mix(seed & _WORD)
    high = _mix(seed >> 32 ^ low)
    for word in (int(purpose), *indices):
        if not 0 <= word <= _WORD:
            raise ValueError(f"index of a random stream: {word} is not in 0..2**32 - 1")
        low = _mix(low + word + _STRIDE & _WORD)
        high = _mix(high ^ low)
    return Key(low, high)


def random32(key: Key, counter: NDArray[np.int64] | NDArray[np.uint32] | int) -> Words:
    """The numbers that stand at ``counter`` (each 0..2**32 - 1) in the stream of ``key``.

    Returns:
        uint32, shape of ``counter`` (``()`` for an int), uniform over 0..2**32 - 1.

    >>> key = stream_key(0, Purpose.FEEDBACK, 1)
    >>> bool(random32(key, 7) == random32(key, np.arange(10))[7])
    True
    """
    words = np.atleast_1d(np.asarray(counter)).astype(np.uint32)
    words = _mix_array(words + np.uint32(key.low))
    words = _mix_array(words ^ np.uint32(key.high))
    return words if np.ndim(counter) else words.reshape(())


def random16(key: Key, counter: NDArray[np.int64]) -> Words:
    """The halves that stand at ``counter`` (each 0..2**33 - 1) in the stream of ``key``.

    Half ``p`` is bits 0..15 of number ``p >> 1`` if ``p`` is even, and bits 16..31 if it is odd.

    Returns:
        uint32, shape of ``counter``, uniform over 0..65535.
    """
    shifts = (16 * (counter & 1)).astype(np.uint32)
    return random32(key, counter >> 1) >> shifts & np.uint32(0xFFFF)


def below(
    key: Key, counter: NDArray[np.int64] | int, limit: int | NDArray[np.int64]
) -> NDArray[np.int64]:
    """Uniform integers in 0..limit-1: the high word of random number times ``limit``.

    A 32-bit machine forms that word from four 16-by-16-bit products. The bias is at most
    ``limit / 2**32``.

    Args:
        key: the stream.
        counter: positions in it.
        limit: 1..2**32 - 1, an int or an array of the shape of ``counter``.
    """
    wide = random32(key, counter).astype(np.uint64) * np.asarray(limit).astype(np.uint64)
    return (wide >> np.uint64(32)).astype(np.int64)


def permutation(key: Key, length: int) -> NDArray[np.int64]:
    """A random order of 0..length-1 by Fisher and Yates, from the last place down.

    Place ``i`` swaps with place ``below(key, i, i + 1)``, for i = length-1 .. 1.

    >>> sorted(permutation(stream_key(3, Purpose.PARTITION), 5).tolist())
    [0, 1, 2, 3, 4]
    """
    places = np.arange(length, dtype=np.int64)
    partners = below(key, places, places + 1).tolist()
    order = places.tolist()
    for i in range(length - 1, 0, -1):
        j = partners[i]
        order[i], order[j] = order[j], order[i]
    return np.array(order, dtype=np.int64)
