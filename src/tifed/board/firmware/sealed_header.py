"""A device that has a key, as constants in C, and the page of flash that the key lies in."""

import os

from tifed.link.keys import KEY_BYTES, key_page

SEALED_SWITCH = "TIFED_DEVICE_SEALED"
"""What ``device.h`` and ``link.h`` are compiled with where a device has a key."""

KEY_SYMBOL = "key_page"
"""Where an emulated board's key is to be put before it starts (``sections.ld``)."""

_PAGE = len(key_page(bytes(KEY_BYTES)))
_SEED = 16


def emulated_key_page(key: bytes | None) -> bytes:
    """A page with ``key``, or none, and behind it a seed in the place of a random generator."""
    return (bytes(_PAGE) if key is None else key_page(key)) + os.urandom(_SEED)
