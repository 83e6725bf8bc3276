"""The point of it all: one experiment, one digest, whoever carries its messages.

Simulator, Flower's simulation engine, a Flower deployment (SuperLink and SuperNodes as processes,
TLS, keys), and gateways of emulated boards.
"""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("flwr", reason="needs Flower: pip install 'tifed[flower]'")
pytest.importorskip("ray", reason="needs Ray: pip install 'tifed[flower]'")
pytest.importorskip("unicorn", reason="needs pip install 'tifed[emulator]'")

from flwr.app import Context, Message
from flwr.clientapp import ClientApp

import tifed
from tifed.experiment import RunFolder, load_experiment, to_toml
from tifed.nodes.flower import simulate as simulation
from tifed.nodes.flower.deployment import Deployment
from tifed.nodes.flower.up import up
from tifed.nodes.keys.certificates import make_server_certificates
from tifed.nodes.local.processes import Program, marked
from tifed.nodes.serving.settings import Settings

# Ray leaves sockets and processes to the garbage collector.
pytestmark = [
    pytest.mark.slow(220),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning"),
    pytest.mark.usefixtures("collected"),
]


OTHER_RELEASE = '''
"""What a node with another release of the package says."""
from flwr.app import ArrayRecord, ConfigRecord, Message, RecordDict
from flwr.clientapp import ClientApp


def client_app():
    app = ClientApp()

    @app.query()
    def answer(message, context):
        head = ConfigRecord({"format": "tifed-node", "version": 2, "kind": "hello"})
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
    package = tmp_path / "other" / "tifed" / "nodes" / "flower"
    package.mkdir(parents=True)
    for folder in (package, *list(package.parents)[:2]):
        (folder / "__init__.py").touch()
    (package / "client.py").write_text(OTHER_RELEASE)
    (tmp_path / "other" / "sitecustomize.py").write_text(FOUND_FIRST)
    return tmp_path / "other"


def awaited(log: Path, words: str) -> None:
    """Wait until ``words`` come up in ``log``."""
    until = time.monotonic() + 300
    while words not in (text := log.read_text(errors="replace")):
        assert time.monotonic() < until, f"not said: {words}\n{text}"
        time.sleep(0.1)


def knock(deployment: Deployment, folder: Path, other_release: Path) -> dict[str, Program]:
    """Those who are not to take part: of another release, without a known key, wary, and greedy."""
    hosting = "partition-id=0 num-partitions=3"
    (folder / "wrong").mkdir()
    wrong = make_server_certificates(folder / "wrong", ("localhost",)).authority
    path = os.pathsep.join([str(other_release), os.environ.get("PYTHONPATH", "")])
    others = {
        "old": deployment.start_other("old", hosting, site="old", environment={"PYTHONPATH": path}),
        "stranger": deployment.start_other("stranger", hosting, site=None),
        "wary": deployment.start_other("wary", hosting, site="wary", authority=wrong),
    }
    everything = "partition-id=0 num-partitions=1"
    others["thief"] = deployment.start_other("thief", everything, site="thief")
    for name in ("old", "thief"):
        awaited(others[name].log, "SuperNode ID")
    awaited(others["stranger"].log, "Failed to activate SuperNode")
    awaited(others["wary"].log, "CERTIFICATE_VERIFY_FAILED")
    return others


def asking(settings: Settings, gateways: list[str], **more: float) -> ClientApp:
    """A ClientApp whose nodes have a gateway each, and ``more`` in their configuration."""

    def answer(message: Message, context: Context) -> Message:
        from tifed.nodes.flower.client import reply

        own: Any = context.node_config
        place = {"gateway": gateways[own["partition-id"]], **own, **more}
        here = Context(context.run_id, context.node_id, place, context.state, {})
        return Message(reply(message.content, here, settings), reply_to=message)

    app = ClientApp()
    for register in (app.query(), app.train(), app.evaluate()):
        register(answer)
    return app


def test_one_digest_on_boards_and_in_processes(
    tmp_path: Path, other_release: Path, boards: Any, gateway: Any, three_rounds: list[str],
    assert_same_files: Callable[..., None],
) -> None:  # fmt: skip
    """Of the full network; test_deployment.py has single layers on boards behind processes."""
    experiment = load_experiment(preset="digits", overrides=[*three_rounds, "mode=full-network"])
    simulator = tifed.run(experiment, out=tmp_path / "simulator")

    lines: list[str] = []
    addresses = boards(8, "buffer=80")
    gateways = [gateway(part)[1] for part in (addresses[:3], addresses[3:6], addresses[6:])]
    settings = Settings(to_toml(experiment), out=str(tmp_path / "boards"))
    on_boards = simulation.run_in_ray(settings, asking(settings, gateways), 3, log=lines.append)
    assert on_boards.digest == simulator.digest
    assert len(lines) == 3, lines

    lines.clear()
    deployments: list[Deployment] = []
    others: dict[str, Program] = {}

    def started(deployment: Deployment) -> None:
        deployments.append(deployment)
        others.update(knock(deployment, tmp_path, other_release))

    out = tmp_path / "deployed"
    deployed = up(experiment, out, nodes=3, log=lines.append, started=started)
    assert deployed.digest == simulator.digest
    assert_same_files(tmp_path / "simulator", tmp_path / "boards", out)
    log = "\n".join(lines)
    for devices in ("devices 0-2", "devices 3-5", "devices 6-7"):
        assert f"hosts {devices}" in log
    assert "takes" not in log
    assert "dropped: it wants devices 0-7, to which its site thief is not bound (node-0: " in log
    assert not marked(deployments[0].mark)
    assert "dropped: it speaks version 2 of the message format; this release speaks" in log
    assert "SuperNode ID" not in others["stranger"].log.read_text()
    assert "SuperNode ID" not in others["wary"].log.read_text()


def test_a_gateway_that_stays_away_costs_its_devices_alone(
    tmp_path: Path, boards: Any, gateway: Any
) -> None:
    experiment = load_experiment(overrides=["devices=4", "rounds=3"])
    lines, addresses = list[str](), boards(4)
    first, second = gateway(addresses[:2]), gateway(addresses[2:])
    settings = Settings(to_toml(experiment), out=str(tmp_path / "run"), attempts=1)

    def watch(progress: tifed.experiment.Progress) -> None:
        if progress.record.round == 0:
            second[0].kill()

    app = asking(settings, [first[1], second[1]], **{"gateway-patience": 0.5})
    result = simulation.run_in_ray(settings, app, 2, watch=watch, log=lines.append)
    log = "\n".join(lines)
    assert "gateway" in log
    assert "cannot be reached" in log
    assert "round 2, exchange 1: no answer of devices 2-3" in log
    folder = RunFolder(tmp_path / "run")
    assert [row["answered"] for row in folder.read_metrics(3)] == ["4", "2", "2"]
    assert [(row["round"], row["device"], row["event"]) for row in folder.read_health(3)] == [
        ("2", "2", "lost"), ("2", "3", "lost"),
    ]  # fmt: skip

    def without(setup: tifed.experiment.Setup) -> Any:
        class Fleet:
            calibrate, evaluate, close = (
                setup.fleet.calibrate, setup.fleet.evaluate, setup.fleet.close,
            )  # fmt: skip

            @staticmethod
            def fit(plan: Any, parameters: Any) -> Any:
                there = plan.jobs.device < (4 if plan.round == 0 else 2)
                return setup.fleet.fit(replace(plan, jobs=plan.jobs.at(there)), parameters)

        return Fleet

    assert result.digest == tifed.run(experiment, fleet=without).digest
