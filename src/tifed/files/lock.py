"""A file that one process holds at a time; the operating system lets go for one that is killed."""

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tifed.files.atomic import make_folder, writing

_FAR = 1 << 20
"""The byte that is locked where a locked part of a file cannot be read."""
_AGAIN = 0.2
"""Seconds between two attempts."""
_CANNOT_LOCK = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EINVAL)


class HeldError(Exception):
    """Another process holds the file, or this one already does; the text says which."""


@contextmanager
def holding(path: Path, patience: float = 0.0) -> Iterator[bool]:
    """Hold the file ``path``, which is made if it is not there, and has this process' number.

    Whoever is let in hears whether the file system has locks; where it has none, nothing keeps
    others out.

    Args:
        path: of a file that is for this alone.
        patience: seconds to wait for another process that holds it.

    Raises:
        HeldError: if it is held.
        UsageError: if it cannot be written.
    """
    with writing(path):
        make_folder(path.parent)
        # Not "w": that would erase the number of a process that holds it.
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+b", buffering=0)
    with file:
        try:
            _lock_within(file, patience)
        except OSError as error:
            if error.errno not in _CANNOT_LOCK:
                raise HeldError(_holder(file)) from error
            yield False
            return
        try:
            file.truncate(0)
            file.write(b"%d\n" % os.getpid())
            yield True
        finally:
            _unlock(file)


def is_held(path: Path) -> bool:
    """Whether a process holds the file ``path``."""
    try:
        file = path.open("r+b", buffering=0)
    except OSError:
        return False
    with file:
        try:
            _lock(file)
        except OSError as error:
            return error.errno not in _CANNOT_LOCK
        _unlock(file)
    return False


def _lock_within(file: IO[bytes], patience: float) -> None:
    """Lock ``file``, again and again for ``patience`` seconds.

    Raises:
        OSError: if it cannot be locked.
    """
    until = time.monotonic() + patience
    while True:
        try:
            return _lock(file)
        except OSError as error:
            if error.errno in _CANNOT_LOCK or time.monotonic() >= until:
                raise
        time.sleep(_AGAIN)


def _holder(file: IO[bytes]) -> str:
    """Who wrote its number into the file."""
    file.seek(0)
    number = file.read(20).strip()
    return f"process {int(number)}" if number.isdigit() else "another process"


try:
    import fcntl
except ImportError:
    import msvcrt  # Windows

    def _lock(file: IO[bytes]) -> None:
        file.seek(_FAR)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        file.seek(0)

    def _unlock(file: IO[bytes]) -> None:
        file.seek(_FAR)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)  # type: ignore[attr-defined]

else:

    def _lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _unlock(file: IO[bytes]) -> None:
        # By name, for a child process that was forked meanwhile holds the file as well.
        fcntl.flock(file, fcntl.LOCK_UN)
