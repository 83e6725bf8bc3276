"""What is written whole is never seen in part, and is on the disk when it is said to be."""

import os
from pathlib import Path

import pytest

from tifed import Experiment, resume, run
from tifed.errors import UsageError
from tifed.experiment.growing_table import append_rows
from tifed.files.atomic import write_atomically


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What is flushed and renamed, in order: (what is done, name of the file or folder)."""
    done: list[tuple[str, str]] = []
    fsync, replace = os.fsync, Path.replace

    def flush(handle: int) -> None:
        done.append(("flush", Path(f"/proc/self/fd/{handle}").resolve().name))
        fsync(handle)

    def rename(path: Path, target: Path) -> Path:
        done.append(("rename", target.name))
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", flush)
    monkeypatch.setattr(Path, "replace", rename)
    return done


needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no /proc")


@needs_proc
def test_content_then_name_then_folder_reach_the_disk(
    tmp_path: Path, calls: list[tuple[str, str]]
) -> None:
    write_atomically(tmp_path / "new/deep/file.txt", "x")
    made, (flushed, temporary), *rest = calls[:2], calls[2], *calls[3:]
    assert made == [("flush", "new"), ("flush", tmp_path.name)]
    assert flushed == "flush"
    assert temporary.startswith(".file.txt.")
    assert rest == [("rename", "file.txt"), ("flush", "deep")]


@needs_proc
def test_rows_are_on_the_disk_before_the_checkpoint_of_their_round(
    tmp_path: Path, calls: list[tuple[str, str]]
) -> None:
    run(Experiment(rounds=3), out=tmp_path / "run")
    for number in (1, 2, 3):
        name = f"round-{number:06d}.safetensors"
        renamed = calls.index(("rename", name))
        flushed = [at for at, call in enumerate(calls) if call == ("flush", "metrics.csv")]
        assert len([at for at in flushed if at < renamed]) == number
        assert calls[renamed - 1][1].startswith(f".{name}.")
        assert calls[renamed + 1] == ("flush", "checkpoints")


@needs_proc
def test_a_new_tables_name_reaches_the_disk(tmp_path: Path, calls: list[tuple[str, str]]) -> None:
    for number in (1, 2):
        append_rows(tmp_path / "metrics.csv", [{"round": number}])
    table, folder = ("flush", "metrics.csv"), ("flush", tmp_path.name)
    assert calls == [table, folder, table]


def test_a_reader_keeps_the_old_content_and_a_failure_leaves_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_atomically(path, "old")
    with path.open() as reader:
        write_atomically(path, "new and longer")
        assert reader.read() == "old"
    assert path.read_text() == "new and longer"

    def full(handle: int) -> None:
        assert path.read_text() == "new and longer"  # while the next content is being written
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError, match=r"file: cannot be written \(No space left on device\)"):
        write_atomically(path, "newest")
    assert path.read_text() == "new and longer"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_run_has_left_is_cleared_by_the_next(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run(Experiment(rounds=1), out=folder)
    left = [
        folder / ".result.json.ab_12xyz",
        folder / ".report.html.abcdefgh",
        folder / "checkpoints/.round-000001.safetensors.abcdefgh",
    ]
    others = [
        folder / ".notes.txt.abcdefgh",
        folder / ".result.json.old",
        folder / "checkpoints/.round-1.abcdefgh",
    ]
    for path in (*left, *others):
        path.write_bytes(b"")
    resume(folder)
    assert not [path for path in left if path.exists()]
    assert [path for path in others if path.exists()] == others
