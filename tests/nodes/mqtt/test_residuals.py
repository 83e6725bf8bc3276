"""What nodes keep of their devices' changes, over a broker, when programs are killed."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.nodes.test_kept_residuals import Failing

import tifed
from tifed.experiment import Experiment, Progress, RunFolder, to_toml
from tifed.nodes.mqtt.deployment import Deployment
from tifed.nodes.mqtt.serve import serve
from tifed.nodes.mqtt.up import up
from tifed.nodes.serving.one_machine import site_name
from tifed.nodes.serving.settings import Settings
from tifed.nodes.serving.sites import Sites

pytestmark = [pytest.mark.slow(60), pytest.mark.usefixtures("mosquitto")]

KEEPING: dict[str, Any] = {
    "devices": 4, "rounds": 4, "layers": (64, 8, 10), "evaluate_every": 4,
    "compression": {"upload": "ternary", "coder": True, "residual": True},
}  # fmt: skip


@pytest.fixture(params=[1, 2])
def experiment(request: pytest.FixtureRequest) -> Experiment:
    """With one and with two buffers a round."""
    return Experiment(**KEEPING, buffers_per_round=request.param)


def sites() -> Sites:
    return Sites.in_parts([site_name(0), site_name(1)], 4)


@pytest.mark.parametrize("kept", [False, True])
def test_a_node_that_is_killed(tmp_path: Path, experiment: Experiment, kept: bool) -> None:
    """It is absent from one exchange, by name, unless it has a folder for what it keeps."""
    log: list[str] = []
    ledgers = tmp_path / "nodes" if kept else None
    settings = Settings(to_toml(experiment), out=str(tmp_path / "run"), sites=sites())
    with Deployment(2, tmp_path / "logs", ledgers=ledgers, log=log.append) as deployment:

        def kill(progress: Progress) -> None:
            if progress.record.round == 1:
                os.kill(deployment.programs[site_name(1)], signal.SIGKILL)

        result = serve(deployment.broker(), settings, watch=kill, log=log.append)
    assert "node-1 has died; it is started again" in log
    rows = RunFolder(tmp_path / "run").read_metrics(9)
    assert [row["answered"] for row in rows] == ["4", "4", "4" if kept else "2", "4"]
    reason = "what it had left after exchange 1 is not here"
    said = [f"round 3, exchange 2: no answer of device {device}: {reason}" for device in (2, 3)]
    assert [line for line in log if "no answer" in line] == ([] if kept else said)
    absent: dict[int, Any] = {} if kept else {2: (2, 3)}
    expected = tifed.run(experiment, fleet=lambda setup: Failing(setup.fleet, absent))
    assert result.digest == expected.digest


def test_a_server_that_is_killed(
    tmp_path: Path, experiment: Experiment, service: Any, awaited: Callable[..., None]
) -> None:
    """Nodes that go on running have what they kept for the one that comes after it."""
    experiment = experiment.model_copy(update={"rounds": 30, "evaluate_every": 30})
    (tmp_path / "experiment.toml").write_text(to_toml(experiment))
    folder = RunFolder(tmp_path / "run")
    with Deployment(2, tmp_path / "logs", log=lambda line: None) as deployment:
        command = [
            "mqtt", "serve", str(tmp_path / "experiment.toml"), "--out", str(folder.path),
            "--broker", deployment.address, "--tls", str(deployment.broker().tls),
            *(word for name, own in sites().devices.items()
              for word in ("--site", f"{name}={own}")),
        ]  # fmt: skip
        server = service(*command)
        awaited(lambda: len(folder.read_metrics(99)) >= 2, "no round")
        server.kill()
        assert not folder.result.is_file()
        server = service(*command)
        assert server.process.wait(300) == 0, server.text
    assert "no answer" not in server.text
    assert folder.read_result().digest == tifed.run(experiment).digest


def test_all_of_it_is_stopped_and_goes_on(tmp_path: Path, experiment: Experiment) -> None:
    """Nodes are new programs, which find what those before them kept in the run's folder."""

    def interrupt(progress: Progress) -> None:
        if progress.record.round == 1:
            raise KeyboardInterrupt

    log: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        up(experiment, tmp_path / "run", nodes=2, watch=interrupt, log=log.append)
    result = up(experiment, tmp_path / "run", nodes=2, log=log.append)
    assert not [line for line in log if "no answer" in line]
    assert result.digest == tifed.run(experiment).digest
    assert len(list((tmp_path / "run" / "nodes").glob("*/residuals-*"))) == 2
