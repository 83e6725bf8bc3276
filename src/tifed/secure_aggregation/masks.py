"""Vectors in Z/2**16, Z/2**32 or Z/2**64, and the masks that are added to them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tifed.errors import UsageError
from tifed.rule.integer.rounding import Integers

Words = NDArray[Any]
"""uint16, uint32 or uint64."""
WIDTHS = (16, 32, 64)
"""Bits that a sum can have."""

_PIECE = 1 << 16
_ZEROS = memoryview(bytes(_PIECE))


@dataclass(frozen=True)
class Shape:
    """What a masked vector has.

    Attributes:
        counts: how many counts, in Z/2**64.
        sums: how many sums.
        width: bits of a sum, one of `WIDTHS`.
    """

    counts: int
    sums: int
    width: int

    @property
    def word(self) -> np.dtype[Any]:
        """The type of a sum, little-endian."""
        return np.dtype(f"<u{self.width // 8}")

    @property
    def bytes(self) -> int:
        """Bytes of a vector."""
        return 8 * self.counts + self.width // 8 * self.sums


@dataclass(frozen=True)
class Vector:
    """Counts and sums; addition is modulo their words.

    Attributes:
        counts: uint64 (counts,).
        sums: uint16, uint32 or uint64 (sums,).
    """

    counts: NDArray[np.uint64]
    sums: Words

    @classmethod
    def of(cls, counts: list[int], sums: Integers, width: int) -> "Vector":
        """From whole numbers, int64 ``sums`` among them, to a ring of ``width`` bits."""
        words = np.array([count % (1 << 64) for count in counts], "<u8")
        return cls(words, sums.astype(f"<u{width // 8}"))

    @classmethod
    def zeros(cls, shape: Shape) -> "Vector":
        """Nothing, yet."""
        return cls(np.zeros(shape.counts, "<u8"), np.zeros(shape.sums, shape.word))

    @property
    def shape(self) -> Shape:
        """What it has."""
        return Shape(len(self.counts), len(self.sums), 8 * self.sums.dtype.itemsize)

    def add(self, other: "Vector") -> None:
        """Add ``other`` in place."""
        np.add(self.counts, other.counts, out=self.counts)
        np.add(self.sums, other.sums, out=self.sums)

    def subtract(self, other: "Vector") -> None:
        """Subtract ``other`` in place."""
        np.subtract(self.counts, other.counts, out=self.counts)
        np.subtract(self.sums, other.sums, out=self.sums)

    def add_mask(self, key: bytes) -> None:
        """Add what ``key`` gives, in place: the stream of AES-256 in counter mode, from 0.

        The key, of 32 bytes, is for one vector alone.
        """
        self._with_mask(key, np.add)

    def subtract_mask(self, key: bytes) -> None:
        """Subtract the same in place."""
        self._with_mask(key, np.subtract)

    def _with_mask(self, key: bytes, operation: np.ufunc) -> None:
        from cryptography.hazmat.primitives.ciphers import Cipher
        from cryptography.hazmat.primitives.ciphers.algorithms import AES
        from cryptography.hazmat.primitives.ciphers.modes import CTR

        stream = Cipher(AES(key), CTR(bytes(16))).encryptor()
        # Piece by piece: a whole stream would be fetched from memory, which takes far longer.
        piece = bytearray(_PIECE + 15)
        for words in (self.counts, self.sums):
            step = _PIECE // words.itemsize
            for part in (words[first : first + step] for first in range(0, len(words), step)):
                stream.update_into(_ZEROS[: part.nbytes], piece)
                operation(part, np.frombuffer(piece, part.dtype, len(part)), out=part)

    def copy(self) -> "Vector":
        """The same, to be changed."""
        return Vector(self.counts.copy(), self.sums.copy())

    @property
    def whole_sums(self) -> Integers:
        """The sums as int64, from -2**(width - 1) on."""
        width = self.sums.dtype.itemsize
        return self.sums.view(f"<i{width}").astype(np.int64)


def width_for(bound: int) -> int:
    """Bits of the smallest ring in which sums within ±``bound`` are what they are.

    Raises:
        UsageError: if there is none.

    >>> width_for(2**15 - 1), width_for(2**15), width_for(2**31)
    (16, 32, 64)
    """
    for width in WIDTHS:
        if bound < 1 << width - 1:
            return width
    raise UsageError(f"privacy.secure_aggregation: sums of up to {bound} do not fit 64 bits")
