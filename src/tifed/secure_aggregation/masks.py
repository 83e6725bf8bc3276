"""Vectors in Z/2**8, Z/2**16, Z/2**24 and so on to Z/2**64, and the masks added to them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tifed.errors import UsageError
from tifed.rule.integer.rounding import Integers

Words = NDArray[Any]
"""uint8, uint16, uint32 or uint64."""
WIDTHS = range(8, 65, 8)
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
        sums: the parts of the sums, each in the smallest words that hold its bits; what a word has
            above them means nothing.
        widths: the bits of each part.
    """

    counts: NDArray[np.uint64]
    sums: tuple[Words, ...]
    widths: tuple[int, ...]

    @classmethod
    def of(cls, counts: list[int], *sums: tuple[Integers, int]) -> "Vector":
        """From whole numbers; of ``sums`` each part, int64, with the bits of its ring."""
        words = np.array([count % (1 << 64) for count in counts], "<u8")
        parts = tuple(part.astype(_word(width)) for part, width in sums)
        return cls(words, parts, tuple(width for _, width in sums))

    @classmethod
    def zeros(cls, shape: Shape) -> "Vector":
        """Nothing, yet."""
        return cls(
            np.zeros(shape.counts, "<u8"),
            tuple(np.zeros(count, _word(width)) for count, width in shape.sums),
            tuple(width for _, width in shape.sums),
        )

    @property
    def shape(self) -> Shape:
        """What it has."""
        return Shape(len(self.counts), tuple(zip(map(len, self.sums), self.widths, strict=True)))

    @property
    def sum_data(self) -> NDArray[np.uint8]:
        """The bytes of the sums, one part after the other."""
        pairs = zip(self.sums, self.widths, strict=True)
        rows = (_bytes(part)[:, : width // 8].tobytes() for part, width in pairs)
        return np.frombuffer(b"".join(rows), np.uint8)

    @classmethod
    def from_data(
        cls, counts: NDArray[np.uint64], data: NDArray[np.uint8], shape: Shape
    ) -> "Vector":
        """The vector of ``shape`` whose sums are the bytes ``data``, as many as they have."""
        vector, end = cls.zeros(shape), 0
        for part, (count, width) in zip(vector.sums, shape.sums, strict=True):
            begin, end = end, end + width // 8 * count
            _bytes(part)[:, : width // 8] = data[begin:end].reshape(count, width // 8)
        return replace(vector, counts=counts)

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
        return replace(
            self, counts=self.counts.copy(), sums=tuple(part.copy() for part in self.sums)
        )

    @property
    def whole_sums(self) -> Integers:
        """All sums as int64, from -2**(width - 1) on."""
        whole = [np.zeros(0, np.int64)]
        for part, width in zip(self.sums, self.widths, strict=True):
            above = 8 * part.itemsize - width
            whole.append((part << above).view(f"<i{part.itemsize}").astype(np.int64) >> above)
        return np.concatenate(whole)

    @property
    def _words(self) -> Sequence[Words]:
        """All that it has."""
        return (self.counts, *self.sums)


def _word(width: int) -> np.dtype[Any]:
    """The smallest words of ``width`` bits or more."""
    return np.dtype(next(f"<u{size}" for size in (1, 2, 4, 8) if 8 * size >= width))


def _bytes(words: Words) -> NDArray[np.uint8]:
    """The bytes of each word, the lowest first: uint8 (words, bytes)."""
    return words.view(np.uint8).reshape(len(words), words.itemsize)


def width_for(bound: int) -> int:
    """Bits of the smallest ring in which sums within ±``bound`` are what they are.

    Raises:
        UsageError: if there is none.

    >>> width_for(2**7 - 1), width_for(2**15 - 1), width_for(2**15), width_for(2**31)
    (8, 16, 24, 40)
    """
    for width in WIDTHS:
        if bound < 1 << width - 1:
            return width
    raise UsageError(f"privacy.secure_aggregation: sums of up to {bound} do not fit 64 bits")
