"""One digest over a broker: plain and masked sums, messages in pieces, boards, and signal 9."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tifed
from tifed.experiment import Experiment, Progress, RunFolder, load_experiment, to_toml
from tifed.nodes.local.processes import marked
from tifed.nodes.mqtt.deployment import Deployment
from tifed.nodes.mqtt.up import up
from tifed.nodes.serving.one_machine import site_name
from tifed.nodes.serving.settings import Settings
from tifed.nodes.serving.sites import Sites

pytestmark = [pytest.mark.slow(60), pytest.mark.usefixtures("mosquitto")]

SHORT = 1 << 10
"""Bytes of a packet that is shorter than most messages."""


@pytest.mark.parametrize("masked", [False, True])
def test_the_digest_is_that_of_the_simulator(tmp_path: Path, masked: bool) -> None:
    privacy = {"secure_aggregation": masked}
    experiment = Experiment(devices=6, rounds=3, evaluate_every=2, privacy=privacy)
    whole = tifed.run(Experiment(devices=6, rounds=3, evaluate_every=2), out=tmp_path / "whole")
    log: list[str] = []
    started: list[Deployment] = []
    result = up(
        experiment, tmp_path / "run", nodes=3, packet=SHORT, log=log.append,
        started=started.append,
    )  # fmt: skip
    assert result.digest == whole.digest, log
    assert (tmp_path / "run" / "metrics.csv").read_text() == (
        tmp_path / "whole" / "metrics.csv"
    ).read_text()
    assert sum(" hosts devices " in line for line in log) == 3
    assert not marked(started[0].mark)
    assert not started[0].keys.exists()


@pytest.mark.parametrize("masked", [False, True])
def test_a_gateway_of_emulated_boards_joins(
    tmp_path: Path, boards: Any, gateway: Any, masked: bool
) -> None:
    """Under masks its board keeps a residual as well, and trains on two buffers in a round."""
    settings = ["devices=3", "rounds=2", "buffer=20", "mode=single-layer"]
    if masked:
        settings += ["buffers_per_round=2", "compression.upload=ternary"]
        settings += ["compression.residual=true"]
    masks = ["privacy.secure_aggregation=true"] if masked else []
    _, address = gateway(boards(1, *settings))
    experiment = load_experiment(overrides=settings + masks)
    log: list[str] = []
    result = up(experiment, tmp_path / "run", nodes=3, gateways=[None, None, address],
                log=log.append)  # fmt: skip
    assert result.digest == tifed.run(load_experiment(overrides=settings)).digest
    assert not [line for line in log if "void" in line or "dropped" in line]


def test_signal_nine_everywhere_costs_nothing(
    tmp_path: Path, service: Any, awaited: Callable[..., None]
) -> None:
    """A node, the broker and the server are killed in the middle of the run, twice each."""
    experiment = Experiment(devices=4, rounds=40, evaluate_every=40)
    (tmp_path / "experiment.toml").write_text(to_toml(experiment))
    folder = RunFolder(tmp_path / "run")
    log: list[str] = []
    with Deployment(2, tmp_path / "logs", log=log.append) as deployment:
        sites = Sites.in_parts([site_name(0), site_name(1)], 4).devices
        command = [
            "mqtt", "serve", str(tmp_path / "experiment.toml"), "--out", str(folder.path),
            "--broker", deployment.address, "--tls", str(deployment.broker().tls),
            "--attempts", "9",
            *(word for name, own in sites.items() for word in ("--site", f"{name}={own}")),
        ]  # fmt: skip
        server = service(*command)

        def rounds() -> int:
            return len(folder.read_metrics(1 << 62))

        def two_more(done: int) -> None:
            awaited(lambda: rounds() >= done + 2 or server.process.poll() is not None, "no round")
            assert server.process.poll() is None, server.text

        for victim in ["node-1", "server", "broker"] * 2:
            two_more(rounds())
            if victim == "server":
                server.kill()
                server = service(*command)
            else:
                os.kill(deployment.programs[victim], signal.SIGKILL)
        assert server.process.wait(300) == 0, server.text
    assert folder.read_result().digest == tifed.run(experiment, out=tmp_path / "whole").digest
    for file in ("metrics.csv", "details.json"):
        assert (folder.path / file).read_text() == (tmp_path / "whole" / file).read_text()
    assert log.count("node-1 has died; it is started again") == 2
    assert log.count("broker has died; it is started again") == 2


def test_a_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    experiment = Experiment(devices=2, rounds=4)
    whole = tifed.run(experiment)

    def interrupt(progress: Progress) -> None:
        if progress.record.round == 2:
            raise KeyboardInterrupt

    settings = Settings("", grace=600)
    with pytest.raises(KeyboardInterrupt):
        up(experiment, tmp_path / "run", nodes=1, watch=interrupt, settings=settings,
           log=lambda line: None)  # fmt: skip
    seen: list[int] = []
    result = up(
        experiment, tmp_path / "run", nodes=2, settings=settings, log=lambda line: None,
        watch=lambda progress: seen.append(progress.record.round),
    )  # fmt: skip
    assert result.digest == whole.digest
    assert seen == [3]


def test_nodes_that_are_started_again_have_what_their_devices_have_left(tmp_path: Path) -> None:
    """One is killed, and all end with the server, which goes on."""
    compression = {"upload": "ternary", "residual": True}
    experiment = Experiment(devices=4, rounds=5, buffers_per_round=2, compression=compression)
    whole = tifed.run(experiment)
    started: list[Deployment] = []

    def watch(progress: Progress) -> None:
        if len(started) == 1 and progress.record.round == 1:
            os.kill(started[0].programs["node-1"], signal.SIGKILL)
        if len(started) == 1 and progress.record.round == 3:
            raise KeyboardInterrupt

    def run() -> tifed.Result:
        return up(
            experiment, tmp_path / "run", nodes=2, settings=Settings("", grace=600, attempts=9),
            log=lambda line: None, watch=watch, started=started.append,
        )  # fmt: skip

    with pytest.raises(KeyboardInterrupt):
        run()
    assert run().digest == whole.digest
    assert len(started) == 2
