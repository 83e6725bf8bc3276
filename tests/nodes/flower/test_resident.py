"""ClientApps in processes that stay: when they look for work, and whose code they run."""

import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("flwr", reason="needs Flower: pip install 'tifed[flower]'")

from tifed.experiment import RunFolder, load_experiment, to_toml
from tifed.nodes.flower.bundle import write_bundle
from tifed.nodes.flower.deployment import ORDINARY, Deployment
from tifed.nodes.flower.executor.own_app import is_own
from tifed.nodes.flower.executor.polls import LATE, SHORTEST, Polls
from tifed.nodes.flower.pulls import look_again_soon
from tifed.nodes.local.ports import free_ports
from tifed.nodes.local.processes import Program, start
from tifed.nodes.serving.settings import Settings


def test_work_that_comes_as_it_came_is_found_soon_and_nobody_looks_for_long() -> None:
    now = 0.0
    polls = Polls(3.0, clock=lambda: now)
    for _ in range(3):
        looks, began = 0, now
        while now < began + 2.0:
            now += polls.pause()
            looks += 1
        assert now <= began + 2.0 * (1 + 1 / LATE) + SHORTEST
        polls.came()
        now += 0.3
        polls.done()
    # The first time nothing was known: then half of the usual time goes by without a look.
    assert looks < 12
    for _ in range(200):
        now += polls.pause()
    assert polls.pause() == 3.0


def test_content_that_comes_late_is_looked_for_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    from flwr.supercore.inflatable import inflatable_utils as flower

    own = flower.pull_objects.__kwdefaults__ or {}
    monkeypatch.setattr(flower.pull_objects, "__kwdefaults__", dict(own))
    waits: list[float] = []

    class Event(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout or 0.0)
            return False

    monkeypatch.setattr(flower, "threading", SimpleNamespace(Event=Event, Lock=threading.Lock))
    look_again_soon()
    looks: list[str] = []

    def pull(name: str) -> bytes:
        looks.append(name)
        if len(looks) < 4:
            raise flower.ObjectUnavailableError(name)
        return b"content"

    assert flower.pull_objects(["it"], pull) == {"it": b"content"}
    assert len(waits) == 3
    assert sum(waits) < 0.5


def archive(folder: Path, **changed: str) -> bytes:
    """The app in ``folder``, some of its files changed, as Flower sends it to nodes."""
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for path in folder.rglob("*.*"):
            file.writestr(str(path.relative_to(folder)), changed.get(path.stem, path.read_text()))
    return packed.getvalue()


def test_only_an_app_without_code_of_its_own_is_the_installed_package(tmp_path: Path) -> None:
    write_bundle(tmp_path, Settings("rounds = 3"))
    assert is_own(archive(tmp_path))
    client = (tmp_path / "tifed_app" / "client.py").read_text()
    assert not is_own(archive(tmp_path, client=client + "print(1)\n"))
    assert not is_own(archive(tmp_path, client=client.replace("tifed.nodes", "tifed_nodes")))
    assert not is_own(archive(tmp_path, client="#" * len(client)))
    project = (tmp_path / "pyproject.toml").read_text()
    assert not is_own(archive(tmp_path, pyproject=project.replace("client:app", "server:app")))
    assert not is_own(archive(tmp_path, pyproject="name ="))
    assert not is_own(b"not an archive")


PRETENDS = """
import sys
import tifed.nodes.flower.executor as executor
executor.TESTED = "0.1"
from tifed.nodes.flower.executor.start import start_executor, start_supernode
start_supernode(sys.argv[1:])
"""


@pytest.mark.slow(10)
def test_another_version_of_flower_has_its_ordinary_programs_and_says_so() -> None:
    def supernode(*words: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-c", PRETENDS, *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)

    done = supernode("--version")
    assert done.stdout.startswith("Flower version: ")
    assert "this was tested with 0.1; flower-supernode does the work" in done.stderr
    # Flower's own program would run any code.
    done = supernode("--version", "--installed-only")
    assert "--installed-only: Flower " in done.stderr
    assert not done.stdout
    assert done.returncode


@pytest.mark.slow(120)
def test_apps_with_code_of_their_own_get_processes_or_are_refused(tmp_path: Path) -> None:
    """One SuperNode is Flower's own with the executor beside it, and one is wary."""
    experiment = load_experiment(overrides=["devices=2", "rounds=2", "evaluate_every=2"])
    folder, app = RunFolder(tmp_path / "run"), tmp_path / "app"
    write_bundle(app, Settings(to_toml(experiment), out=str(folder.path), attempts=1, grace=1))
    with (app / "tifed_app" / "client.py").open("a") as file:
        file.write("print('code of its own')\n")
    secret = tmp_path / "secret"
    secret.write_bytes(b"only for the two of them")
    shared = ["--superexec-auth-secret-file", str(secret)]
    nodes = {
        "beside": [ORDINARY, "--isolation", "process", *shared],
        "wary": [sys.executable, "-m", "tifed.nodes.flower.executor", "--installed-only"],
    }
    programs = []
    with Deployment(0, tmp_path, secure=False) as deployment:

        def begin(name: str, *command: str) -> None:
            programs.append(start(name, command, deployment.environment, tmp_path / f"{name}.log"))

        for number, (name, command) in enumerate(nodes.items()):
            port = str(free_ports(1)[0])
            hosts = f'partition-id={number} num-partitions=2 accepts="any"'
            at = ["--superlink", deployment.address, "--insecure", "--port", port]
            begin(name, *command, *at, "--node-config", hosts)
            if name == "beside":
                api = ["--runtime-api-address", f"127.0.0.1:{port}", "--insecure"]
                begin("executor", "tifed", "flower", "executor", *api, *shared)
        deployment.submit(app)
        try:
            awaited(folder.result.is_file, programs)
        finally:
            for program in programs:
                program.process.terminate()
                program.process.wait()
    assert [row["answered"] for row in folder.read_metrics(2)] == ["1", "1"]
    assert programs[1].log.read_text().count("code of its own") > 2
    assert "code of its own" not in programs[2].log.read_text()
    log = (folder.path / "flower.log").read_text()
    assert "hosts devices 0\n" in log
    assert "refused: the app has code of its own, and this node answers with the" in log


def awaited(condition: Callable[[], object], programs: list[Program]) -> None:
    """Wait until ``condition`` holds."""
    until = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < until, [program.last_words() for program in programs]
        time.sleep(0.1)
