"""One process at a time has a run's folder."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tifed import Experiment, resume, run
from tifed.errors import UsageError
from tifed.experiment.folder_lock import LOCK, alone_in, is_held

COMMAND = [sys.executable, "-c", "from tifed.cli import main; main()"]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """A folder whose run goes on for long, and the number of its process."""
    folder = tmp_path / "run"
    arguments = ["run", "--set", "rounds=100000", "--out", str(folder)]
    process = subprocess.Popen(
        [*COMMAND, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while not (folder / "checkpoints").exists() and process.poll() is None:
        time.sleep(0.01)
    yield folder, process.pid
    process.kill()
    process.wait()


@pytest.mark.slow(3)
def test_a_second_process_is_refused_until_the_first_is_gone(running: tuple[Path, int]) -> None:
    folder, number = running
    assert is_held(folder)
    for arguments in (
        ["run", "--resume", str(folder)],
        ["run", "--set", "rounds=100000", "--out", str(folder)],
    ):
        done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert f"{folder}: is being run by process {number}" in " ".join(done.stderr.split())
    os.kill(number, signal.SIGKILL)
    until = time.monotonic() + 300
    while True:
        try:
            with alone_in(folder, pytest.fail):
                break
        except UsageError:
            assert time.monotonic() < until, "still held by a process that was killed"
            time.sleep(0.01)
    assert not is_held(folder)


def test_one_who_waits_gets_the_folder_when_its_holder_is_gone(running: tuple[Path, int]) -> None:
    folder, number = running
    with pytest.raises(UsageError, match=f"process {number}"), alone_in(folder, pytest.fail):
        pass
    threading.Timer(1, os.kill, (number, signal.SIGKILL)).start()
    with alone_in(folder, pytest.fail, patience=60):
        assert is_held(folder)


@pytest.mark.slow(3)
def test_two_processes_that_begin_in_the_same_folder(tmp_path: Path) -> None:
    arguments = [*COMMAND, "run", "--set", "rounds=40", "--out", str(tmp_path / "new")]
    both = [
        subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = {process.communicate()[1]: process.returncode for process in both}
    assert sorted(said.values()) == [0, 2]
    (refusal,) = (text for text, code in said.items() if code)
    assert "is being run by process" in refusal or "holds a run already" in refusal
    rows = (tmp_path / "new/metrics.csv").read_text().splitlines()[1:]
    assert [int(row.split(",")[0]) for row in rows] == list(range(1, 41))


def test_this_process_does_not_run_a_folder_twice_either(tmp_path: Path) -> None:
    def watch(progress: object) -> None:
        with pytest.raises(UsageError, match=f"is being run by process {os.getpid()}"):
            resume(tmp_path / "run")

    run(Experiment(rounds=1), out=tmp_path / "run", watch=watch)
    assert resume(tmp_path / "run").rounds == 1  # free again


def test_a_refused_process_leaves_the_holders_number_in_the_lock(tmp_path: Path) -> None:
    with alone_in(tmp_path, pytest.fail):
        with pytest.raises(UsageError), alone_in(tmp_path, pytest.fail):
            pass
        assert (tmp_path / LOCK).read_text() == f"{os.getpid()}\n"


def test_where_there_are_no_locks_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno
    import fcntl

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    heard: list[str] = []
    with alone_in(tmp_path, heard.append):
        assert not is_held(tmp_path)
    assert "has no locks; do not run it twice at a time" in heard[0]


def test_a_child_process_does_not_hold_the_folder_for_its_parent(tmp_path: Path) -> None:
    """A forked child has all open files of its parent, the one that is locked as well."""
    program = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from tifed.experiment.folder_lock import alone_in\n"
        "with alone_in(Path(sys.argv[1]), print):\n"
        "    child = os.fork()\n"
        "    if not child:\n"
        "        sys.stdin.read()\n"  # until the test lets go
        "        os._exit(0)\n"
        "print('left', flush=True)\n"
        "os.waitpid(child, 0)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "left\n"
        with alone_in(tmp_path, pytest.fail):
            assert is_held(tmp_path)
        process.stdin.close()
        assert process.wait() == 0
