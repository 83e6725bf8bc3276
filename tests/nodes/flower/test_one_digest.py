"""The point of it all: one experiment, one digest, whoever carries its messages.

Simulator, Flower's simulation engine, a Flower deployment (SuperLink and SuperNodes as processes,
TLS, keys), and gateways of emulated boards.
"""

import os
import time
from collections.abc import Iterator
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
from tifed.nodes.flower.certificates import make_server_certificates
from tifed.nodes.flower.deployment import Deployment
from tifed.nodes.flower.processes import Program, marked
from tifed.nodes.flower.settings import Settings
from tifed.nodes.flower.up import run_on

# Ray leaves sockets and processes to the garbage collector.
pytestmark = [
    pytest.mark.slow(180),
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


def write_other_release(folder: Path) -> Path:
    """A folder with a package of the same name, to be found before this one."""
    package = folder / "tifed" / "nodes" / "flower"
    package.mkdir(parents=True)
    for one in (package, *list(package.parents)[:2]):
        (one / "__init__.py").touch()
    (package / "client.py").write_text(OTHER_RELEASE)
    (folder / "sitecustomize.py").write_text(FOUND_FIRST)
    return folder


def awaited(log: Path, words: str) -> None:
    """Wait until ``words`` come up in ``log``."""
    until = time.monotonic() + 300
    while words not in (text := log.read_text(errors="replace")):
        assert time.monotonic() < until, f"not said: {words}\n{text}"
        time.sleep(0.1)


def knock(deployment: Deployment, folder: Path) -> dict[str, Program]:
    """Three who are not to take part: of another release, without a known key, and wary."""
    hosting = "partition-id=0 num-partitions=3"
    (folder / "wrong").mkdir()
    wrong = make_server_certificates(folder / "wrong", ("localhost",)).authority
    other_release = write_other_release(folder / "other")
    path = os.pathsep.join([str(other_release), os.environ.get("PYTHONPATH", "")])
    others = {
        "old": deployment.start_other(
            "old", hosting, registered=True, environment={"PYTHONPATH": path}
        ),
        "stranger": deployment.start_other("stranger", hosting, registered=False),
        "wary": deployment.start_other("wary", hosting, registered=True, authority=wrong),
    }
    awaited(others["old"].log, "SuperNode ID")
    awaited(others["stranger"].log, "Failed to activate SuperNode")
    awaited(others["wary"].log, "CERTIFICATE_VERIFY_FAILED")
    return others


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A SuperLink with three SuperNodes, on whose door others knock; it serves all runs here."""
    folder = tmp_path_factory.mktemp("deployment")
    restarted: list[str] = []
    with Deployment(3, folder / "logs", log=restarted.append) as running:
        others = knock(running, folder)
        yield running
        assert "SuperNode ID" not in others["stranger"].log.read_text()
        assert "SuperNode ID" not in others["wary"].log.read_text()
    assert not marked(running.mark)
    assert not restarted


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


@pytest.mark.parametrize("mode", ["full-network", "single-layer"])
def test_one_digest(
    tmp_path: Path, deployment: Deployment, boards: Any, gateway: Any, mode: str
) -> None:
    # In the fifth round a device has used all of its 180 samples and begins again.
    overrides = ["rounds=5", "buffer=40", "evaluate_every=3", f"mode={mode}"]
    experiment = load_experiment(preset="digits", overrides=overrides)
    assert experiment.devices == 8
    simulator = tifed.run(experiment, out=tmp_path / "simulator")

    lines: list[str] = []
    engine = simulation.simulate(experiment, nodes=3, out=tmp_path / "engine", log=lines.append)
    assert engine.digest == simulator.digest
    assert sorted(line.split(" hosts ")[1] for line in lines) == [
        "devices 0-2", "devices 3-5", "devices 6-7",
    ]  # fmt: skip

    lines.clear()
    addresses = boards(8, "buffer=40")
    gateways = [gateway(part)[1] for part in (addresses[:3], addresses[3:6], addresses[6:])]
    settings = Settings(to_toml(experiment), out=str(tmp_path / "boards"))
    on_boards = simulation.run_in_ray(settings, asking(settings, gateways), 3, log=lines.append)
    assert on_boards.digest == simulator.digest
    assert len(lines) == 3, lines

    lines.clear()
    settings = Settings(to_toml(experiment), out=str(tmp_path / "deployed"))
    deployed = run_on(deployment, settings, log=lines.append)
    assert deployed["digest"] == simulator.digest
    for name in ("engine", "boards", "deployed"):
        for file in ("metrics.csv", "details.json"):
            expected = (tmp_path / "simulator" / file).read_text()
            assert (tmp_path / name / file).read_text() == expected
    log = "\n".join(lines)
    for devices in ("devices 0-2", "devices 3-5", "devices 6-7"):
        assert f"hosts {devices}" in log
    assert "takes" not in log
    assert "dropped: it speaks version 2 of the message format; this release speaks" in log


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
