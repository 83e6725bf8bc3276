"""A SuperLink and SuperNodes for real: processes on loopback, TLS, keys, and signal 9."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

pytest.importorskip("flwr", reason="needs Flower: pip install 'tifed[flower]'")

import tifed
from tifed.experiment import RunFolder, load_experiment
from tifed.flower.certificates import make_server_certificates
from tifed.flower.deployment import Deployment
from tifed.flower.processes import Program, marked
from tifed.flower.settings import Settings
from tifed.flower.up import up

OTHER_RELEASE = '''
"""What a node with another release of the package says."""
from flwr.app import ArrayRecord, ConfigRecord, Message, RecordDict
from flwr.clientapp import ClientApp


def client_app():
    app = ClientApp()

    @app.query()
    def answer(message, context):
        head = ConfigRecord({"format": "tifed-flower", "version": 2, "kind": "hello"})
        return Message(RecordDict({"tifed": head, "arrays": ArrayRecord()}), reply_to=message)

    return app
'''


# However this release is installed: an editable one has a finder of its own.
FOUND_FIRST = """
import importlib.machinery, pathlib, sys

HERE = str(pathlib.Path(__file__).parent)


class First:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] == "tifed":
            return importlib.machinery.PathFinder.find_spec(name, path or [HERE], target)
        return None


sys.meta_path.insert(0, First)
"""


@pytest.fixture
def other_release(tmp_path: Path) -> Path:
    """A folder with a package of the same name, to be found before this one."""
    package = tmp_path / "other" / "tifed" / "flower"
    package.mkdir(parents=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").touch()
    (package / "client.py").write_text(OTHER_RELEASE)
    (tmp_path / "other" / "sitecustomize.py").write_text(FOUND_FIRST)
    return tmp_path / "other"


def awaited(program: Program, words: str, seconds: float = 60.0) -> bool:
    """Whether ``words`` come up in the log of ``program``."""
    until = time.monotonic() + seconds
    while words not in program.log.read_text(errors="replace"):
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


def test_one_digest_with_keys_and_strangers_at_the_door(
    tmp_path: Path, other_release: Path
) -> None:
    experiment = load_experiment(preset="digits", overrides=["rounds=3"])
    lines: list[str] = []
    rows: list[Mapping[str, str]] = []
    deployments: list[Deployment] = []
    others: dict[str, Program] = {}

    def started(deployment: Deployment) -> None:
        """Three who are not to take part knock."""
        deployments.append(deployment)
        hosting = "partition-id=0 num-partitions=3"
        (tmp_path / "wrong").mkdir()
        wrong = make_server_certificates(tmp_path / "wrong", ("localhost",)).authority
        path = os.pathsep.join([str(other_release), os.environ.get("PYTHONPATH", "")])
        others["old"] = deployment.start_other(
            "old", hosting, registered=True, environment={"PYTHONPATH": path}
        )
        others["stranger"] = deployment.start_other("stranger", hosting, registered=False)
        others["wary"] = deployment.start_other("wary", hosting, registered=True, authority=wrong)

    result = up(
        experiment, tmp_path / "run", nodes=3, watch=rows.append, log=lines.append, started=started
    )
    assert result["digest"] == tifed.run(experiment).digest
    assert [(row["round"], row["answered"]) for row in rows] == [("1", "8"), ("2", "8"), ("3", "8")]
    log = "\n".join(lines)
    for devices in ("devices 0-2", "devices 3-5", "devices 6-7"):
        assert f"hosts {devices}" in log
    assert "dropped: it speaks version 2 of the message format" in log
    assert "takes" not in log
    assert "certificate verify failed" in others["wary"].log.read_text().lower()
    assert "SuperNode ID" not in others["stranger"].log.read_text()
    assert "SuperNode ID" not in others["wary"].log.read_text()
    assert not marked(deployments[0].mark)


COMMAND = "from tifed.cli.flower import app; app()"


@pytest.fixture
def command(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """``tifed flower up`` as a person starts it."""
    arguments = ["up", "--preset", "digits", "--set", "mode=single-layer", "--set", "rounds=3"]
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, *arguments, "--nodes", "2", "--out", str(tmp_path / "run")],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    yield process
    if process.poll() is None:
        process.terminate()
        process.wait()


def test_signal_nine_everywhere_costs_nothing(
    tmp_path: Path, command: subprocess.Popen[bytes]
) -> None:
    folder = RunFolder(tmp_path / "run")
    while not folder.read_metrics(1):
        assert command.poll() is None
        time.sleep(0.1)
    started = children(command.pid)
    assert started
    command.kill()
    command.wait()
    until = time.monotonic() + 60
    while any(lives(process) for process in started):
        assert time.monotonic() < until, "programs have outlived the command that started them"
        time.sleep(0.1)

    experiment = load_experiment(folder.experiment)
    deployments: list[Deployment] = []
    lines: list[str] = []
    killed: list[str] = []

    def watch(row: Mapping[str, str]) -> None:
        """Kill the server after a round, and a node and the SuperLink after the next."""
        deployment = deployments[0]
        victims = [deployment.programs[name] for name in ("node-1", "SuperLink")]
        if not killed:
            victims = [p for p in marked(deployment.mark) if "flwr-serverapp" in command_of(p)]
        for process in victims:
            killed.append(command_of(process))
            os.kill(process, signal.SIGKILL)

    result = up(
        experiment, folder.path, nodes=2, settings=Settings("", grace=300),
        watch=watch, log=lines.append, started=deployments.append,
    )  # fmt: skip
    whole = tifed.run(experiment, out=tmp_path / "whole")
    assert result["digest"] == whole.digest
    assert folder.metrics.read_text() == (tmp_path / "whole/metrics.csv").read_text()
    assert len(killed) >= 3, killed
    assert any("has died; the run is submitted again" in line for line in lines)
    assert "SuperNode 1 has died; it is started again" in lines
    assert "the SuperLink has died; it is started again" in lines
    assert not marked(deployments[0].mark)


def children(process: int) -> list[int]:
    """The processes that ``process`` has started, and those that they have."""
    own = [
        int(child)
        for task in Path(f"/proc/{process}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]
    return own + [further for child in own for further in children(child)]


def lives(process: int) -> bool:
    """Whether a process is there and not just waiting for its parent to take note of its end."""
    try:
        return " (zombie)" not in Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False


def command_of(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""
