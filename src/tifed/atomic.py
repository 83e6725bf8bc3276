"""Files that appear whole or not at all."""

import os
import tempfile
from pathlib import Path

from tifed.errors import UsageError


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write ``content`` to a temporary neighbour, flush it to the disk, and rename it to ``path``.

    A reader, or a process that is killed at any moment, sees the old file or the new one.

    Raises:
        UsageError: if the folder cannot be written.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o644)  # noqa: PTH101
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be written ({error.strerror}); name a folder you can write to"
        ) from error
