"""One digest with masked sums too: Flower's engine, real processes, gateways of emulated boards."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("flwr", reason="needs Flower: pip install 'tifed[flower]'")
pytest.importorskip("ray", reason="needs Ray: pip install 'tifed[flower]'")
pytest.importorskip("unicorn", reason="needs pip install 'tifed[emulator]'")

from flwr.app import Context, Message
from flwr.clientapp import ClientApp

import tifed
from tifed.experiment import Experiment, RunFolder, to_toml
from tifed.nodes.flower import simulate as simulation
from tifed.nodes.flower.up import up
from tifed.nodes.serving.settings import Settings

# Ray leaves sockets and processes to the garbage collector.
pytestmark = [
    pytest.mark.slow(100),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning"),
    pytest.mark.usefixtures("collected"),
]

SECURE = {"secure_aggregation": True}


def losing(settings: Settings) -> ClientApp:
    """Nodes, one of which fails each time that it is to mask an update."""

    def answer(message: Message, context: Context) -> Message:
        from tifed.nodes.flower.client import reply

        head: Any = message.content["tifed"]
        node = context.node_config["partition-id"]
        if (node, head["kind"]) == (3, "masked-fit"):
            raise RuntimeError("out of memory")
        return Message(reply(message.content, context, settings), reply_to=message)

    app = ClientApp()
    for register in (app.query(), app.train(), app.evaluate()):
        register(answer)
    return app


def test_flowers_engine_and_a_node_that_fails(tmp_path: Path) -> None:
    experiment = Experiment(devices=14, rounds=3, privacy=SECURE)
    lines: list[str] = []
    whole = simulation.simulate(experiment, nodes=7, log=lines.append)
    assert whole.digest == tifed.run(Experiment(devices=14, rounds=3)).digest

    settings = Settings(to_toml(experiment), out=str(tmp_path / "run"), attempts=1)
    lost = simulation.run_in_ray(settings, losing(settings), 7, log=lines.append)

    def without(setup: Any) -> Any:
        class Fleet:
            calibrate, evaluate, close = (
                setup.fleet.calibrate, setup.fleet.evaluate, setup.fleet.close,
            )  # fmt: skip

            @staticmethod
            def fit(plan: Any, parameters: Any) -> Any:
                from dataclasses import replace

                there = plan.jobs.device // 2 != 3
                return setup.fleet.fit(replace(plan, jobs=plan.jobs.at(there)), parameters)

        return Fleet

    assert lost.digest == tifed.run(Experiment(devices=14, rounds=3), fleet=without).digest
    rows = RunFolder(tmp_path / "run").read_metrics(9)
    assert [row["answered"] for row in rows] == ["12"] * 3


def test_processes_and_gateways_of_emulated_boards(
    tmp_path: Path, boards: Any, gateway: Any, assert_same_files: Callable[..., None]
) -> None:
    """In one deployment: two gateways, and a node that is a new process for each message."""
    settings: dict[str, Any] = {
        "devices": 6, "rounds": 2, "layers": (64, 8, 10), "evaluate_every": 2,
    }  # fmt: skip
    plain = tifed.run(Experiment(**settings), out=tmp_path / "plain")
    addresses = boards(4, "layers=[64,8,10]")
    gateways = [gateway(addresses[first : first + 2])[1] for first in (0, 2)]
    lines: list[str] = []
    experiment = Experiment(**settings, privacy=SECURE)
    secure = up(
        experiment, tmp_path / "secure", nodes=3, gateways=[*gateways, None], log=lines.append
    )
    assert not [line for line in lines if "void" in line or "dropped" in line]
    assert secure.digest == plain.digest
    assert_same_files(tmp_path / "plain", tmp_path / "secure")


def test_masks_of_sites_and_of_boards_together(
    tmp_path: Path, boards: Any, gateway: Any, assert_same_files: Callable[..., None]
) -> None:
    """Two gateways, each of which sees the sum over its three boards alone, and a node."""
    settings: dict[str, Any] = {
        "devices": 9, "rounds": 2, "layers": (64, 8, 10), "evaluate_every": 2,
    }  # fmt: skip
    plain = tifed.run(Experiment(**settings), out=tmp_path / "plain")
    addresses = boards(6, "layers=[64,8,10]", "privacy.device_masks=true")
    told = [gateway(addresses[first : first + 3]) for first in (0, 3)]
    lines: list[str] = []
    experiment = Experiment(**settings, privacy=SECURE | {"device_masks": True})
    both = up(
        experiment, tmp_path / "both", nodes=3, gateways=[*(there for _, there in told), None],
        log=lines.append,
    )  # fmt: skip
    assert not [line for line in lines if "void" in line or "dropped" in line]
    assert all("void" not in service.text for service, _ in told)
    assert both.digest == plain.digest
    assert_same_files(tmp_path / "plain", tmp_path / "both")
