"""The folder appears whole, and nobody's work is lost."""

import json
import os
from pathlib import Path

import pytest

from tifed.errors import UsageError
from tifed.export.folder import MARK, write_library

FILES = {"a.txt": b"first", "deep/er/b.txt": b"second"}


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != MARK
    }


@pytest.mark.parametrize("there", [False, True])
def test_a_new_or_empty_folder_is_filled(tmp_path: Path, there: bool) -> None:
    folder = tmp_path / "new" / "library"
    if there:
        folder.mkdir(parents=True)
    write_library(folder, FILES, {"shape": "2-2"})
    assert contents(folder) == FILES
    mark = json.loads((folder / MARK).read_text())
    assert (mark["format"], mark["shape"], sorted(mark["files"])) == (
        "tifed-export", "2-2", sorted(FILES),
    )  # fmt: skip
    assert [path.name for path in folder.parent.iterdir()] == ["library"], "nothing is left over"


def test_an_earlier_export_is_replaced_whole(tmp_path: Path) -> None:
    folder = tmp_path / "library"
    write_library(folder, FILES, {})
    write_library(folder, {"c.txt": b"third"}, {})
    assert contents(folder) == {"c.txt": b"third"}
    assert [path.name for path in tmp_path.iterdir()] == ["library"]


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (lambda folder: (folder / "a.txt").write_text("mine"), "a.txt is not as it was exported"),
        (lambda folder: (folder / "deep/own.txt").write_text("mine"), "deep/own.txt is not"),
        (lambda folder: (folder / MARK).unlink(), "is not empty, and not an earlier export"),
        (lambda folder: (folder / MARK).write_text("{}"), "is not empty, and not an earlier"),
        (lambda folder: (folder / MARK).write_text("[3"), "is not empty, and not an earlier"),
    ],
)
def test_what_others_wrote_stays(tmp_path: Path, spoil: object, named: str) -> None:
    folder = tmp_path / "library"
    write_library(folder, FILES, {})
    assert callable(spoil)
    spoil(folder)
    before = contents(folder)
    with pytest.raises(UsageError, match=named):
        write_library(folder, {"c.txt": b"third"}, {})
    assert contents(folder) == before


def test_a_file_is_not_a_folder(tmp_path: Path) -> None:
    (tmp_path / "library").write_text("mine")
    with pytest.raises(UsageError, match="is a file"):
        write_library(tmp_path / "library", FILES, {})
    with pytest.raises(UsageError, match="cannot be written"):
        write_library(tmp_path / "library" / "below", FILES, {})


@pytest.mark.parametrize("writes", [0, 1, 2])
def test_a_disk_that_fills_up_leaves_the_old_export(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    folder = tmp_path / "library"
    write_library(folder, FILES, {})
    left = writes

    def full(handle: int) -> None:
        nonlocal left
        if left == 0:
            raise OSError(28, "No space left on device")
        left -= 1

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError, match="No space left"):
        write_library(folder, {"c.txt": b"third", "d.txt": b"fourth"}, {})
    assert contents(folder) == FILES
    assert [path.name for path in tmp_path.iterdir()] == ["library"]


def test_a_rename_that_fails_puts_the_old_export_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "library"
    write_library(folder, FILES, {})
    rename = Path.rename

    def refuse(self: Path, target: Path) -> Path:
        if target == folder and self.name != "folder":
            raise OSError(16, "Device or resource busy")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(UsageError, match="busy"):
        write_library(folder, {"c.txt": b"third"}, {})
    assert contents(folder) == FILES
    assert [path.name for path in tmp_path.iterdir()] == ["library"]
