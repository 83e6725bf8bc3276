"""Files that appear whole or not at all, and are still there after a power cut."""

import errno
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tifed.errors import UsageError

_TEMPORARY = re.compile(r"\.(?P<name>.+)\.[a-z0-9_]{8}")
"""What `write_atomically` calls a file before it has its name."""


def write_atomically(path: Path, content: bytes | str, mode: int = 0o644) -> None:
    """Write ``content`` to a temporary neighbour, flush it to the disk, and rename it to ``path``.

    A reader, or a process that is killed at any moment, sees the old file or the new one. When
    this returns, the new one survives a power cut: its folder is on the disk as well. ``mode`` says
    who may read it.

    Raises:
        UsageError: if the folder cannot be written.
    """
    data = content.encode() if isinstance(content, str) else content
    with writing(path):
        make_folder(path.parent)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, mode)  # noqa: PTH101
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def make_folder(folder: Path) -> None:
    """Make ``folder`` and those above it, so that they survive a power cut.

    Raises:
        OSError: if it cannot be made.
    """
    missing = []
    above = folder
    while not above.exists():
        missing.append(above)
        above = above.parent
    folder.mkdir(parents=True, exist_ok=True)
    for made in missing:
        sync_folder(made.parent)


def sync_folder(folder: Path) -> None:
    """Put the names in ``folder`` on the disk; a file's own flush does not do that.

    Raises:
        OSError: if the disk refuses.
    """
    if os.name == "nt":  # folders cannot be opened there, and NTFS keeps a journal of names
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network drives cannot
            raise
    finally:
        os.close(handle)


def clear_temporaries(folder: Path, ours: Callable[[str], bool]) -> None:
    """Remove what processes that were killed in `write_atomically` have left.

    Args:
        folder: where; nobody else may be writing such files there meanwhile.
        ours: whether a file of this name, once whole, is one of those meant.
    """
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        found = _TEMPORARY.fullmatch(path.name)
        if found is not None and ours(found["name"]) and path.is_file():
            path.unlink(missing_ok=True)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the operating system refuses into an error that names ``path``.

    Raises:
        UsageError: instead of an OSError.
    """
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be written ({error.strerror}); name a folder you can write to"
        ) from error
