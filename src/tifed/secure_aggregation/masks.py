"""Vectors in Z/2**8, Z/2**16, Z/2**32 or Z/2**64, and the masks that are added to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tifed.errors import UsageError
from tifed.rule.integer.rounding import Integers

Words = NDArray[Any]
"""uint8, uint16, uint32 or uint64."""
WIDTHS = (8, 16, 32, 64)
"""Bits that a sum can have."""

_PIECE = 1 << 16
_ZEROS = memoryview(bytes(_PIECE))


@dataclass(frozen=True)
class Shape:
    """What a masked vector has.

    Attributes:
        counts: how many counts, in Z/2**64.
        sums: of each part of the sums how many they are, and the bits of each, one of `WIDTHS`.
    """

    counts: int
    sums: tuple[tuple[int, int], ...]

    @property
    def sum_bytes(self) -> int:
        """Bytes of the sums of a vector."""
        return sum(width // 8 * count for count, width in self.sums)


@dataclass(frozen=True)
class Vector:
    """Counts and sums; addition is modulo their words.

    Attributes:
        counts: uint64 (counts,).
        sums: the parts of the sums, each uint8, uint16, uint32 or uint64.
    """

    counts: NDArray[np.uint64]
    sums: tuple[Words, ...]

    @classmethod
    def of(cls, counts: list[int], *sums: tuple[Integers, int]) -> "Vector":
        """From whole numbers; of ``sums`` each part, int64, with the bits of its ring."""
        words = np.array([count % (1 << 64) for count in counts], "<u8")
        return cls(words, tuple(part.astype(f"<u{width // 8}") for part, width in sums))

    @classmethod
    def zeros(cls, shape: Shape) -> "Vector":
        """Nothing, yet."""
        return cls(
            np.zeros(shape.counts, "<u8"),
            tuple(np.zeros(count, f"<u{width // 8}") for count, width in shape.sums),
        )

    @property
    def shape(self) -> Shape:
        """What it has."""
        return Shape(len(self.counts), tuple((len(p), 8 * p.dtype.itemsize) for p in self.sums))

    @property
    def sum_data(self) -> NDArray[np.uint8]:
        """The bytes of the sums, one part after the other."""
        return np.frombuffer(b"".join(part.tobytes() for part in self.sums), np.uint8)

    @classmethod
    def from_data(
        cls, counts: NDArray[np.uint64], data: NDArray[np.uint8], shape: Shape
    ) -> "Vector":
        """The vector of ``shape`` whose sums are the bytes ``data``, as many as they have."""
        parts, end = [], 0
        for count, width in shape.sums:
            begin, end = end, end + width // 8 * count
            parts.append(np.frombuffer(data[begin:end].tobytes(), f"<u{width // 8}"))
        return cls(counts, tuple(parts))

    def add(self, other: "Vector") -> None:
        """Add ``other`` in place."""
        for own, more in zip(self._words, other._words, strict=True):
            np.add(own, more, out=own)

    def subtract(self, other: "Vector") -> None:
        """Subtract ``other`` in place."""
        for own, less in zip(self._words, other._words, strict=True):
            np.subtract(own, less, out=own)

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
        for words in self._words:
            step = _PIECE // words.itemsize
            for part in (words[first : first + step] for first in range(0, len(words), step)):
                stream.update_into(_ZEROS[: part.nbytes], piece)
                operation(part, np.frombuffer(piece, part.dtype, len(part)), out=part)

    def copy(self) -> "Vector":
        """The same, to be changed."""
        return Vector(self.counts.copy(), tuple(part.copy() for part in self.sums))

    @property
    def whole_sums(self) -> Integers:
        """All sums as int64, from -2**(width - 1) on."""
        signed = [part.view(f"<i{part.dtype.itemsize}").astype(np.int64) for part in self.sums]
        return np.concatenate([np.zeros(0, np.int64), *signed])

    @property
    def _words(self) -> Sequence[Words]:
        """All that it has."""
        return (self.counts, *self.sums)


def width_for(bound: int) -> int:
    """Bits of the smallest ring in which sums within ±``bound`` are what they are.

    Raises:
        UsageError: if there is none.

    >>> width_for(2**7 - 1), width_for(2**15 - 1), width_for(2**15), width_for(2**31)
    (8, 16, 32, 64)
    """
    for width in WIDTHS:
        if bound < 1 << width - 1:
            return width
    raise UsageError(f"privacy.secure_aggregation: sums of up to {bound} do not fit 64 bits")
