"""Keys of devices: the file that the host reads them from, and the page of flash that a board has.

A key file has a line for each device: its number, its key of 32 bytes in hexadecimal, and "sent" if
the key has gone over a line. Whoever can read it can read and change everything on the lines, so it
is made for its owner alone.
"""

import os
import secrets
import stat
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tifed.errors import UsageError
from tifed.files.atomic import write_atomically
from tifed.files.lock import HeldError, holding

KEY_BYTES = 32
SENT = "sent"
_SEED = 16
_HEAD = """\
# Keys of devices, one line for each: its number, its key, and "sent" if it went over its line.
# Whoever has this file can read and change everything on the lines to the devices. Do not share it,
# and do not put it under version control.
"""


def new_key() -> bytes:
    """A key from the operating system's random generator."""
    return secrets.token_bytes(KEY_BYTES)


def write_keys(path: Path, keys: Mapping[int, bytes]) -> None:
    """Write a new key file, readable for its owner alone.

    Args:
        path: of a file that does not exist yet.
        keys: by number of the device.

    Raises:
        UsageError: if it exists, or cannot be written.
    """
    text = _HEAD + "".join(f"{number} {key.hex()}\n" for number, key in sorted(keys.items()))
    write_page(path, text.encode())


def write_page(path: Path, content: bytes) -> None:
    """Write a new file with a key in it, readable for its owner alone.

    Raises:
        UsageError: if it exists, or cannot be written.
    """
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise UsageError(f"{path} exists; keys are not overwritten: name another file") from error
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    with os.fdopen(file, "wb") as opened:
        opened.write(content)


def read_keys(path: Path, field: str) -> dict[int, bytes]:
    """The keys in a file, by number of the device.

    Args:
        path: of the file.
        field: what to call it in errors.

    Raises:
        UsageError: if it cannot be read, others may read it, or a line is not a number and a key.
    """
    try:
        mode = path.stat().st_mode
        lines = path.read_text(encoding="ascii").splitlines()
    except OSError as error:
        raise UsageError(f"{field}: {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise UsageError(f"{field}: {path} is not a key file") from None
    if stat.S_IMODE(mode) & 0o077:
        raise UsageError(f"{field}: others may read {path}; run chmod 600 {path}")
    keys: dict[int, bytes] = {}
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        sent = words[2:] in ([], [SENT])
        if not sent or len(words) < 2 or not words[0].isdecimal() or not _is_key(words[1]):
            # What stands there may be most of a key, so it is not shown.
            raise UsageError(
                f"{field}: {path}, line {number}: not a device's number and the "
                f"{2 * KEY_BYTES} hexadecimal digits of its key"
            )
        device = int(words[0])
        if device in keys:
            raise UsageError(f"{field}: {path}, line {number}: device {device} comes twice")
        keys[device] = bytes.fromhex(words[1])
    if len(set(keys.values())) != len(keys):
        raise UsageError(f"{field}: {path}: two devices have the same key; each needs its own")
    return keys


@contextmanager
def sending_from(
    path: Path, field: str, warn: Callable[[str], None]
) -> Iterator[Mapping[int, bytes]]:
    """The keys in a file, from which nobody else sends one until this ends.

    Of two that replaced keys at a time, one would undo in the file what the other had sent.

    Args:
        path: of the file.
        field: what to call it in errors.
        warn: told where the file system has no locks, so that nothing keeps others out.

    Raises:
        UsageError: if somebody else sends from it, or it cannot be read.
    """
    read_keys(path, field)  # where there is no key file, no lock is left behind
    there = path.resolve()
    with ExitStack() as held:
        try:
            locked = held.enter_context(holding(there.with_name(f".{there.name}.lock")))
        except HeldError as error:
            raise UsageError(
                f"{field}: {error} is sending a key of {path}; send one after the other"
            ) from error
        if not locked:
            warn(f"{field}: {path}: its file system has no locks; send one after the other")
        yield read_keys(path, field)


def note_sent(path: Path, device: int, key: bytes, field: str) -> None:
    """Write in a key file that the key of a device goes over its line, before it does.

    Args:
        path: of the file.
        device: its number, which is in the file.
        key: the one that is there, if it has not been sent before; or a new one in its place.
        field: what to call the file in errors.

    Raises:
        UsageError: if it was sent before, or the file cannot be read or written.
    """
    read_keys(path, field)
    lines = path.read_text(encoding="ascii").splitlines()
    for number, line in enumerate(lines):
        words = line.split()
        if not words or words[0].startswith("#") or int(words[0]) != device:
            continue
        if bytes.fromhex(words[1]) == key and words[2:] == [SENT]:
            raise UsageError(
                f"{field}: the key of device {device} was sent before, and whoever answers now "
                "says that it has none: that may be a stranger on the line. If the board did not "
                "get the key, or its memory was erased, give it a new one with --new"
            )
        lines[number] = f"{device} {key.hex()} {SENT}"
    write_atomically(path.resolve(), "\n".join(lines) + "\n", 0o600)  # not in place of a link


def key_of(keys: Mapping[int, bytes], device: int, field: str) -> bytes:
    """The key of ``device``.

    Raises:
        UsageError: if there is none.
    """
    if device not in keys:
        raise UsageError(f"{field}: there is no key of device {device}")
    return keys[device]


def keys_for(path: str, count: int, field: str) -> list[bytes] | list[None]:
    """The keys of devices 0 to ``count`` - 1; None for each if ``path`` is empty.

    Raises:
        UsageError: if the file cannot be read, or has none for one of them.
    """
    if not path:
        return [None] * count
    keys = read_keys(Path(path), field)
    return [key_of(keys, device, field) for device in range(count)]


def key_page(key: bytes) -> bytes:
    """What stands in the page of flash of a board with ``key`` (SPEC, section 24.4)."""
    content = b"TIFK" + key
    return content + struct.pack("<I", zlib.crc32(content))


def key_for_a_line(key: bytes) -> bytes:
    """What is sent to a board that has no key: a seed that is another one each time, `key_page`.

    Of the seed a board without a random generator makes nonces that it never had before, neither
    with an earlier key nor with this one before its memory was erased. The page comes last, for
    its end shows that everything has come.
    """
    return secrets.token_bytes(_SEED) + key_page(key)


def _is_key(word: str) -> bool:
    return len(word) == 2 * KEY_BYTES and all(digit in "0123456789abcdefABCDEF" for digit in word)
