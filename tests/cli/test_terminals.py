"""Terminals of every width and alphabet, and ^C."""

import io
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from tifed import Experiment, run
from tifed.cli import app
from tifed.cli.progress import RunProgress
from tifed.experiment import preset_names

runner = CliRunner()

COMMAND = [sys.executable, "-c", "from tifed.cli import main; main()"]


def tifed(
    *arguments: str | Path, cwd: Path, **environment: str
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, check=False, cwd=cwd,
        env=os.environ | environment,
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set whose classes and path no small alphabet has, and an experiment on it."""
    folder = tmp_path_factory.mktemp("größe-测量-☃")
    names = ("日本", "Ærøskøbing", "кот", "<b>&amp;</b>", "☃")
    rows = "".join(f"{i * 7 % 50},{i * i % 41},{names[i % 5]}\n" for i in range(100))
    (folder / "werte-☃.csv").write_text(f"a,b,label\n{rows}", encoding="utf-8")
    return folder


@pytest.mark.slow(4)
@pytest.mark.parametrize(
    ("encoding", "arguments", "code"),
    [
        ("ascii", ["partition", "--set", "dataset=werte-☃.csv", "--set", "devices=3"], 0),
        ("cp1252", ["partition", "--set", "dataset=werte-☃.csv", "--set", "devices=3"], 0),
        ("gbk", ["run", "--set", "dataset=werte-☃.csv", "--set", "rounds=1", "--out", "lauf-☃"], 0),
        ("gbk", ["run", "--set", "dataset=☃"], 2),
        ("ascii", ["run", "--help"], 0),
        ("cp1252", ["--nonsense-☃"], 2),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else "",
)
def test_a_terminal_of_another_alphabet_gets_replacements(
    folder: Path, encoding: str, arguments: list[str], code: int
) -> None:
    done = tifed(*arguments, cwd=folder, PYTHONIOENCODING=encoding)
    assert done.returncode == code, done.stderr
    assert b"Traceback" not in done.stderr
    text = (done.stdout + done.stderr).decode(encoding)  # strictly
    assert arguments[-1] == "--help" or "?" in text


def test_nothing_of_a_preset_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    for columns in (120, 80, 60, 40):
        monkeypatch.setenv("COLUMNS", str(columns))
        lines = runner.invoke(app, ["presets"]).stdout.splitlines()
        assert max(map(len, lines)) <= columns
        first = [line.split()[0] for line in lines if line.strip()]
        assert [word for word in first if word in preset_names()] == list(preset_names())
        assert not [line for line in lines if "…" in line]
        shown = next(line for line in lines if line.split()[:1] == ["preset"]).split()
        assert ("batch" in shown) == (columns >= 120)
        assert ("layers" in shown) == (columns >= 60)


def test_version() -> None:
    assert runner.invoke(app, ["--version"]).stdout == f"tifed {version('tifed')}\n"


def test_progress_says_up_and_down_apart() -> None:
    text = io.StringIO()
    with RunProgress(Console(file=text)) as progress:
        result = run(Experiment(rounds=1), watch=progress.update)
    up, down = result.bytes_up_per_device / 1000, result.bytes_down_per_device / 1000
    assert up != down
    assert f"up {up:.1f} kB, down {down:.1f} kB a device" in text.getvalue()


def newest_round(folder: Path) -> int:
    """The newest round of which a run has kept its state; 0 before the first."""
    return max((int(path.stem[6:]) for path in (folder / "checkpoints").glob("round-*")), default=0)


def stopped_by_hand(arguments: list[str], due: Callable[[], bool], cwd: Path) -> tuple[int, str]:
    """Send a real ^C as soon as it is ``due``; exit code and standard error."""
    process = subprocess.Popen(
        [*COMMAND, *arguments], cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        # A shell without a terminal may have told its children to ignore ^C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    while not due() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    said = process.communicate()[1].decode()
    return process.returncode, said


@pytest.mark.slow(4)
def test_a_run_that_is_stopped_by_hand_says_how_to_go_on(tmp_path: Path) -> None:
    (tmp_path / "my data").mkdir()
    code, said = stopped_by_hand(
        ["run", "--set", "rounds=100000", "--out", "my run", "--data-dir", "my data"],
        lambda: newest_round(tmp_path / "my run") >= 3, tmp_path,
    )  # fmt: skip
    assert code == 130
    assert "Traceback" not in said
    *_, stopped, command = said.splitlines()
    reached = newest_round(tmp_path / "my run")
    assert stopped == f"stopped after round {reached}; go on with"
    assert shlex.split(command) == [
        "tifed", "run", "--resume", "my run", "--data-dir", "my data",
    ]  # fmt: skip
    path = tmp_path / "my run/experiment.toml"
    assert not [path for path in (tmp_path / "my run").iterdir() if path.name.startswith(".m")]
    # The command goes on from there (and is stopped in its turn).
    code, said = stopped_by_hand(
        shlex.split(command)[1:], lambda: newest_round(tmp_path / "my run") > reached, tmp_path
    )
    assert code == 130
    assert "stopped after round " in said
    assert path.is_file()


@pytest.mark.slow(4)
def test_a_run_that_is_stopped_at_once_says_so_too(tmp_path: Path) -> None:
    code, said = stopped_by_hand(
        ["run", "--set", "checkpoint_every=100000", "--set", "rounds=100000", "--out", "run"],
        (tmp_path / "run/experiment.toml").exists, tmp_path,
    )  # fmt: skip
    assert code == 130
    assert "stopped before the end of its first round; go on with\ntifed run --resume run" in said
