"""Random words that nobody can foresee, for noise that hides something.

The counter-based numbers of `tifed.rule.integer.random` follow from a run's seed, which every
server and node knows: whoever has it takes such noise off again. They must never be used for this.
"""

import hashlib
import os
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Words(Protocol):
    """A source of uniform words; each word is given once."""

    def take(self, count: int) -> NDArray[np.uint64]:
        """The next ``count`` words, uint64 (count,)."""


class SecretWords:
    """The cryptographic generator of the operating system."""

    def take(self, count: int) -> NDArray[np.uint64]:
        """The next ``count`` words, uint64 (count,)."""
        return np.frombuffer(os.urandom(8 * count), "<u8").astype(np.uint64)


class SeededWords:
    """Words that follow from numbers, for tests alone: noise made of them hides nothing.

    >>> SeededWords(1, 2).take(2).tolist() == SeededWords(1, 2).take(2).tolist()
    True
    """

    def __init__(self, *key: int) -> None:
        """Name the words.

        Args:
            key: numbers, 0..2**64 - 1, such as a seed, an exchange and a device.
        """
        self._key = b"tifed noise for tests\n" + b"".join(n.to_bytes(8, "little") for n in key)
        self._taken = 0

    def take(self, count: int) -> NDArray[np.uint64]:
        """The next ``count`` words, uint64 (count,)."""
        block = self._key + self._taken.to_bytes(8, "little")
        self._taken += 1
        return np.frombuffer(hashlib.shake_256(block).digest(8 * count), "<u8").astype(np.uint64)
