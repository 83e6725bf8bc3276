"""What a run leaves behind that is told to end."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer
from rich.console import Console

from tifed.cli.interrupted import needed_again, stopped_by_hand

pytestmark = pytest.mark.slow(2)


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="no /proc")
@pytest.mark.skipif(shutil.which("qemu-system-arm") is None, reason="needs qemu-system-arm")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_emulators_do_not_outlive_a_run(tmp_path: Path, number: signal.Signals) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    process = subprocess.Popen(
        [
            sys.executable, "-c", "from tifed.cli import main; main()", "run",
            "--set", "devices=1", "--set", "rounds=100000", "--set", "layers=[64,4,10]",
            "--board", "cortex-m3", "--emulator", "qemu", "--out", tmp_path / "run",
        ],
        env=os.environ | {"TMPDIR": str(scratch)},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while not (tmp_path / "run/metrics.csv").exists() and process.poll() is None:
        time.sleep(0.02)
    assert emulators(scratch)
    process.send_signal(number)
    assert process.wait(120) == 128 + number
    left = emulators(scratch)
    for emulator in left:
        os.kill(int(emulator), signal.SIGKILL)
    assert not left
    assert not list(scratch.glob("tifed-*"))


def emulators(scratch: Path) -> list[str]:
    """The processes whose line is a socket in ``scratch``."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_text(errors="replace")
        except OSError:  # it has ended meanwhile
            continue
        if command.partition("\0")[0].endswith("qemu-system-arm") and str(scratch) in command:
            found.append(path.parent.name)
    return found


def test_every_command_that_runs_says_its_own_way_to_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    again = ["--nodes=2", *needed_again(Path("my data"), tensorboard=True)]
    (tmp_path / "experiment.toml").touch()
    with (
        pytest.raises(typer.Exit) as ended,
        stopped_by_hand(Console(), tmp_path, ["tifed", "flower", "up"], again),
    ):
        raise KeyboardInterrupt
    assert ended.value.exit_code == 130
    assert capsys.readouterr().out == (
        "stopped before the end of its first round; go on with\n"
        f"tifed flower up --resume {tmp_path} --nodes=2 --data-dir 'my data' --tensorboard\n"
    )
