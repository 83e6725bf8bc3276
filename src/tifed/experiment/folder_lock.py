"""One process at a time in a run's folder; the operating system lets go for one that is killed."""

import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tifed.errors import UsageError
from tifed.files.atomic import make_folder, writing

LOCK = ".lock"
"""In a run's folder: locked by the process that runs it, whose number it holds."""

_FAR = 1 << 20
"""The byte that is locked where a locked part of a file cannot be read."""
_AGAIN = 0.2
"""Seconds between two attempts."""
_CANNOT_LOCK = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EINVAL)


@contextmanager
def alone_in(
    folder: Path, warn: Callable[[str], None], name: str = LOCK, patience: float = 0.0
) -> Iterator[None]:
    """Hold ``folder``, which is made if it is not there.

    Args:
        folder: of a run.
        warn: told where the file system has no locks, so that nothing keeps others out.
        name: of the file in it that is locked.
        patience: seconds to wait for another process that holds it.

    Raises:
        UsageError: if another process holds it (or this one already does), or it cannot be written.
    """
    path = folder / name
    with writing(path):
        make_folder(folder)
        # Not "w": that would erase the number of a process that holds it.
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+b", buffering=0)
    with file:
        try:
            _lock_within(file, patience)
        except OSError as error:
            if error.errno not in _CANNOT_LOCK:
                raise UsageError(
                    f"{folder}: is being run by {_holder(file)}; wait for it or stop it, or name "
                    "another folder with --out"
                ) from error
            warn(f"{folder}: its file system has no locks; do not run it twice at a time")
            yield
            return
        try:
            file.truncate(0)
            file.write(b"%d\n" % os.getpid())
            yield
        finally:
            _unlock(file)


def is_held(folder: Path, name: str = LOCK) -> bool:
    """Whether a process holds ``folder`` by the file ``name`` in it."""
    try:
        file = (folder / name).open("r+b", buffering=0)
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
