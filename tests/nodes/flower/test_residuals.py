"""One digest where nodes keep residuals: Flower's engine, plain and masked, and real processes."""

import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("flwr", reason="needs Flower: pip install 'tifed[flower]'")
pytest.importorskip("ray", reason="needs Ray: pip install 'tifed[flower]'")

from flwr.app import Context, Message
from flwr.clientapp import ClientApp

import tifed
from tifed.experiment import Experiment, RunFolder, to_toml
from tifed.nodes.flower import simulate as simulation
from tifed.nodes.flower.client import RESIDUALS
from tifed.nodes.flower.deployment import Deployment
from tifed.nodes.flower.up import up
from tifed.nodes.local.processes import marked
from tifed.nodes.serving.settings import Settings

# Ray leaves sockets and processes to the garbage collector.
pytestmark = [
    pytest.mark.slow(150),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning"),
    pytest.mark.usefixtures("collected"),
]

KEEPING: dict[str, Any] = {
    "rounds": 4, "layers": (64, 8, 10), "evaluate_every": 4,
    "compression": {"upload": "ternary", "coder": True, "residual": True},
}  # fmt: skip


def forgetful(settings: Settings, node: int) -> ClientApp:
    """Nodes, one of which is as if it were started again before the third exchange."""

    def answer(message: Message, context: Context) -> Message:
        from tifed.nodes.flower.client import reply

        head: Any = message.content["tifed"]
        here = context.node_config["partition-id"] == node
        if here and head.get("exchange") == 2:
            assert RESIDUALS in context.state
            del context.state[RESIDUALS]
        return Message(reply(message.content, context, settings), reply_to=message)

    app = ClientApp()
    for register in (app.query(), app.train(), app.evaluate()):
        register(answer)
    return app


def without(exchange: int, devices: range) -> Any:
    """A simulation in which some devices are absent once."""

    def fleet(setup: Any) -> Any:
        class Fleet:
            calibrate, evaluate, close = (
                setup.fleet.calibrate, setup.fleet.evaluate, setup.fleet.close,
            )  # fmt: skip

            @staticmethod
            def fit(plan: Any, parameters: Any) -> Any:
                gone = np.isin(plan.jobs.device, devices) & (plan.exchange == exchange)
                return setup.fleet.fit(replace(plan, jobs=plan.jobs.at(~gone)), parameters)

        return Fleet

    return fleet


@pytest.mark.parametrize("secure", [False, True])
def test_flowers_engine_and_a_node_that_forgets(tmp_path: Path, secure: bool) -> None:
    plain = Experiment(devices=8, **KEEPING)
    experiment = Experiment(devices=8, **KEEPING, privacy={"secure_aggregation": secure})
    settings = Settings(to_toml(experiment), out=str(tmp_path / "run"))
    lines: list[str] = []
    found = simulation.run_in_ray(settings, forgetful(settings, 1), 4, log=lines.append)
    assert found.digest == tifed.run(plain, fleet=without(2, range(2, 4))).digest
    assert found.digest != tifed.run(plain).digest
    rows = RunFolder(tmp_path / "run").read_metrics(9)
    assert [row["answered"] for row in rows] == ["8", "8", "6", "8"]
    log = "\n".join(lines)
    if secure:
        assert "round 3, exchange 2: no answer of devices 2-3" in log
    for device in () if secure else (2, 3):
        reason = "what it had left after exchange 1 is not here"
        assert f"round 3, exchange 2: no answer of device {device}: {reason}" in log


def test_processes_and_signal_nine(tmp_path: Path, assert_same_files: Callable[..., None]) -> None:
    """The run is another one for Flower after its server was killed; nodes have their files."""
    experiment = Experiment(devices=4, **KEEPING)
    simulator = tifed.run(experiment, out=tmp_path / "simulator")
    deployments, killed, log = list[Deployment](), list[int](), list[str]()

    def watch(row: Mapping[str, str]) -> None:
        if killed:
            return
        for process in marked(deployments[0].mark):
            command = Path(f"/proc/{process}/cmdline")
            if command.exists() and b"flwr-serverapp" in command.read_bytes():
                os.kill(process, signal.SIGKILL)
                killed.append(process)

    out = tmp_path / "deployed"
    deployed = up(experiment, out, nodes=2, watch=watch, log=log.append, started=deployments.append)
    assert killed
    assert any("has died; the run is submitted again" in line for line in log)
    assert not [line for line in log if "no answer" in line]
    assert deployed.digest == simulator.digest
    assert_same_files(tmp_path / "simulator", out)
    assert len(list((out / "nodes").glob("*/residuals-*"))) == 2
