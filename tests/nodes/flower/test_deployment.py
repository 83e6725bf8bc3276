"""What `tifed flower up` mends: processes on loopback with TLS and keys, and signal 9."""

import os
import random
import re
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("flwr", reason="needs Flower: pip install 'tifed[flower]'")
pytest.importorskip("unicorn", reason="needs pip install 'tifed[emulator]'")

import tifed
from tifed.experiment import RunFolder, load_experiment
from tifed.nodes.flower.deployment import Deployment
from tifed.nodes.flower.up import up
from tifed.nodes.local.processes import marked
from tifed.nodes.serving.settings import Settings

pytestmark = pytest.mark.slow(300)


def awaited(condition: Callable[[], object], what: str, seconds: float = 300.0) -> None:
    """Wait until ``condition`` holds."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, what
        time.sleep(0.1)


def test_signal_nine_everywhere_costs_nothing(
    tmp_path: Path, service: Any, boards: Any, gateway: Any
) -> None:
    """The command is killed, and what a second one starts, each at a random moment.

    Gateways are started again here, as a service manager would; the rest is for the command.
    """
    lines = boards(4)
    gateways = [gateway(lines[:2]), gateway(lines[2:])]
    addresses = [address for _, address in gateways]
    folder = RunFolder(tmp_path / "run")
    command = service(
        "flower", "up", "--preset", "digits", "--out", str(folder.path),
        "--set", "mode=single-layer", "--set", "devices=4", "--set", "rounds=6",
        "--set", "evaluate_every=6",
        *(word for address in addresses for word in ("--gateway", address)),
    )  # fmt: skip
    awaited(lambda: folder.read_metrics(1) or command.process.poll() is not None, "no round")
    started = children(command.process.pid)
    assert started, command.text
    command.kill()
    awaited(lambda: not any(map(lives, started)), "programs outlive the command that started them")

    experiment = load_experiment(folder.experiment)
    deployments: list[Deployment] = []
    log: list[str] = []
    seed = random.randrange(1000)  # noqa: S311
    chance = random.Random(seed)  # noqa: S311
    victims = ["server", "SuperLink", "SuperNode", "gateway"]
    chance.shuffle(victims)
    while victims[-1] == "server":  # after the last round there is none
        chance.shuffle(victims)
    print(f"seed {seed}: {victims}")

    def watch(row: Mapping[str, str]) -> None:
        """Kill one of a kind after a round, some time into the next one."""
        if not victims:
            return
        time.sleep(chance.uniform(0.0, 4.0))
        victim, deployment = victims.pop(0), deployments[0]
        if victim == "gateway":
            one, address = gateways[chance.randrange(2)]
            one.kill()
            time.sleep(chance.uniform(0.0, 2.0))
            one.start()
            one.says(f"boards at {address}", 2)
            return
        names = {"SuperLink": "SuperLink", "SuperNode": f"node-{chance.randrange(2)}"}
        found = [
            process
            for process in marked(deployment.mark)
            if victim == "server" and "flwr-serverapp" in command_of(process)
        ]
        for process in found or [deployment.programs[names[victim]]]:
            os.kill(process, signal.SIGKILL)

    result = up(
        experiment, folder.path, nodes=2, gateways=addresses, watch=watch, log=log.append,
        settings=Settings("", attempts=9, grace=600), started=deployments.append,
    )  # fmt: skip
    assert not victims
    whole = tifed.run(experiment, out=tmp_path / "whole")
    assert result.digest == whole.digest, log
    for file in ("metrics.csv", "details.json"):
        assert (folder.path / file).read_text() == (tmp_path / "whole" / file).read_text()
    assert any("has died; the run is submitted again" in line for line in log)
    assert any(re.match(r"SuperNode \d has died; it is started again", line) for line in log)
    assert "the SuperLink has died; it is started again" in log
    assert not marked(deployments[0].mark)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_command_that_is_told_to_end_leaves_no_key_behind(
    tmp_path: Path, service: Any, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    command = service(
        "flower", "up", "--preset", "digits", "--set", "devices=1", "--nodes", "1",
        "--out", str(tmp_path / "run"),
    )  # fmt: skip
    private = "tifed-flower-*/keys/*"
    awaited(lambda: len(list(scratch.glob(private))) > 2 or command.process.poll() is not None,
            "no keys")  # fmt: skip
    awaited(lambda: children(command.process.pid), "no program")
    started = children(command.process.pid)
    command.process.send_signal(number)
    assert command.process.wait(300) == 128 + number
    assert not list(scratch.rglob("*.key"))
    assert not list(scratch.glob("tifed-*"))
    assert not any(map(lives, started))


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
