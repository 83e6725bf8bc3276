"""What is asked of a device whose updates leave it under masks alone (SPEC, 12.8)."""

import struct
from collections.abc import Iterable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from tifed.link import answers
from tifed.link.frame import Kind
from tifed.link.own_samples import OwnSamples

WORDS = 16
"""In a block of a mask's stream: pieces of whole blocks cost a device least."""


class Masking(OwnSamples):
    """The requests that are about masks.

    Keys, and rounds of masks, last as long as the session. Any order to the device but `unmask`
    ends a round of masks.
    """

    def mask_key(self, device: int) -> bytes:
        """The device's public key, 32 bytes, which is another one in every session.

        Args:
            device: its number, which stays the same in a session.
        """
        return self._ask(Kind.MASK_KEY, struct.pack("<I", device), answers.mask_key)

    def put_peer(self, place: int, device: int, key: bytes) -> None:
        """Have the device make the key that it shares with another one.

        Args:
            place: where it keeps that key, from 1; another key there is forgotten.
            device: the other's number.
            key: the other's public key.
        """
        self._order(Kind.PEER, struct.pack("<II", place, device) + key)

    def begin_masks(self, number: int, devices: Iterable[int]) -> None:
        """Begin the masks of a round: what the device has in memory now leaves it under them.

        Args:
            number: of the round, higher than all before in this session.
            devices: with which the device shares masks, and itself.
        """
        self._order(Kind.MASK, _listed(number, devices))

    def get_masked(self, vector: int, count: int) -> NDArray[np.uint32]:
        """A vector under all masks of the round, uint32 (count,); see `tifed.fleets.masked`."""
        pieces, first = [np.zeros(0, np.uint32)], 0
        while first < count:
            room = self._pieces.room(1) // 4
            room = room // WORDS * WORDS or room  # on a bad line there is no room for a block
            length = min(room, count - first)
            pieces.append(self._get_masked(vector, first, length))
            first += length
        return np.concatenate(pieces)

    def _get_masked(self, vector: int, first: int, count: int) -> NDArray[np.uint32]:
        """A piece of it."""
        request = struct.pack("<III", vector, first, count)
        return self._ask(Kind.GET_MASKED, request, partial(answers.masked, count=count))

    def unmask(self, number: int, devices: Iterable[int]) -> None:
        """Say which of the devices of a round of masks are in the sum, the device itself too.

        It is said once: the device believes no other list after that.
        """
        self._order(Kind.UNMASK, _listed(number, devices))

    def seed(self, device: int) -> bytes:
        """What the round's mask with ``device`` is made of, 32 bytes.

        The device tells that of its own mask, and of those with devices that are not in the sum.
        """
        return self._ask(Kind.SEED, struct.pack("<I", device), answers.mask_key)


def _listed(number: int, devices: Iterable[int]) -> bytes:
    words = (number, *sorted(devices))
    return struct.pack(f"<{len(words)}I", *words)
