"""A folder that appears whole, and never takes the place of anybody's work."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from tifed.errors import UsageError

MARK = "tifed-export.json"
"""The file that tells an export from other folders, and what it wrote there."""

_FORMAT = "tifed-export"


def write_library(folder: Path, files: Mapping[str, bytes], about: Mapping[str, Any]) -> None:
    """Write ``files`` and a mark into ``folder``; it appears whole or not at all.

    An earlier export is replaced if nobody has changed or added a file there.

    Args:
        folder: to be made.
        files: contents by relative path.
        about: what the mark says of the library.

    Raises:
        UsageError: if the folder holds something else, or cannot be written.
    """
    _refuse_others(folder)
    mark = {
        "format": _FORMAT,
        "version": 2,
        **about,
        "files": {path: hashlib.sha256(files[path]).hexdigest() for path in sorted(files)},
    }
    everything = {**files, MARK: (json.dumps(mark, indent=2) + "\n").encode()}
    try:
        target = folder.resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
        try:
            made.chmod(0o755)
            for path, content in everything.items():
                _write(made / PurePosixPath(path), content)
            _put_in_place(made, target)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    except OSError as error:
        raise UsageError(
            f"{folder}: cannot be written ({error.strerror}); name a folder you can write to"
        ) from error


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _put_in_place(made: Path, target: Path) -> None:
    """Rename ``made`` to ``target``; what was there goes only when the new folder is complete."""
    if not target.exists():
        made.rename(target)
        return
    old = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}.old."))
    target.rename(old / "folder")
    try:
        made.rename(target)
    except OSError:
        (old / "folder").rename(target)
        old.rmdir()
        raise
    shutil.rmtree(old, ignore_errors=True)


def _refuse_others(folder: Path) -> None:
    """Make sure that ``folder`` is free, empty, or an export that nobody has touched.

    Raises:
        UsageError: naming what would be lost.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UsageError(f"{folder}: is a file; name a folder")
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    if not found:
        return
    mark = read_mark(folder / MARK)
    if mark is None:
        raise UsageError(f"{folder}: is not empty, and not an earlier export; name a new folder")
    changed = sorted(
        path
        for path in found - {MARK}
        if hashlib.sha256((folder / path).read_bytes()).hexdigest() != mark["files"].get(path)
    )
    if changed:
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        raise UsageError(
            f"{folder}: {changed[0]}{more} is not as it was exported and would be lost; "
            "move it away, or name a new folder"
        )


def read_mark(path: Path) -> dict[str, Any] | None:
    """What a mark says; None if it is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        return None
    return content if isinstance(content.get("files"), dict) else None
