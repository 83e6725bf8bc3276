"""Boards with data of their own behind Flower: in its simulation engine, and deployed."""

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("flwr", reason="needs Flower: pip install 'tifed[flower]'")
pytest.importorskip("ray", reason="needs Ray: pip install 'tifed[flower]'")
pytest.importorskip("unicorn", reason="needs pip install 'tifed[emulator]'")

from flwr.app import Context, Message
from flwr.clientapp import ClientApp

import tifed
from tifed.errors import UsageError
from tifed.experiment import load_experiment, to_toml
from tifed.nodes.flower import simulate as simulation
from tifed.nodes.flower.settings import Settings
from tifed.nodes.flower.up import up

# Ray leaves sockets and processes to the garbage collector.
pytestmark = [
    pytest.mark.slow(150),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning"),
    pytest.mark.usefixtures("collected"),
]

OWN = [
    "own_data=true", "layers=[64,8,10]", "devices=3", "rounds=2", "evaluate_every=2",
    "personal.rounds=1",
]  # fmt: skip


def through(settings: Settings, gateways: list[str]) -> ClientApp:
    """A ClientApp whose nodes have a gateway each."""

    def answer(message: Message, context: Context) -> Message:
        from tifed.nodes.flower.client import reply

        own: Any = context.node_config
        place = {"gateway": gateways[own["partition-id"]], **own}
        here = Context(context.run_id, context.node_id, place, context.state, {})
        return Message(reply(message.content, here, settings), reply_to=message)

    app = ClientApp()
    for register in (app.query(), app.train(), app.evaluate()):
        register(answer)
    return app


def test_one_digest_simulated_and_on_boards_of_which_nobody_has_the_data(
    tmp_path: Path, boards: Any, gateway: Any
) -> None:
    dealt = load_experiment(overrides=OWN)
    alone = tifed.run(dealt, out=tmp_path / "alone")
    simulated = simulation.simulate(dealt, nodes=2, out=tmp_path / "simulated")
    assert simulated.digest == alone.digest

    lines = boards(3, *OWN)
    gateways = [gateway(part)[1] for part in (lines[:2], lines[2:])]
    experiment = load_experiment(overrides=[*OWN, "dataset=on-devices"])
    settings = Settings(to_toml(experiment), out=str(tmp_path / "boards"))
    on_boards = simulation.run_in_ray(settings, through(settings, gateways), 2)
    assert on_boards.digest == alone.digest
    deployed = up(experiment, tmp_path / "deployed", nodes=2, gateways=gateways)
    assert deployed.digest == alone.digest

    results = {name: read(tmp_path / name) for name in ("simulated", "boards", "deployed")}
    assert results["simulated"] == read(tmp_path / "alone")
    assert results["boards"] == results["deployed"]
    assert on_boards.accuracy == deployed.accuracy == alone.accuracy


def read(folder: Path) -> list[str]:
    """What a run measured, to the last digit."""
    return [(folder / name).read_text() for name in ("metrics.csv", "details.json")]


def test_samples_on_devices_are_not_simulated(tmp_path: Path) -> None:
    experiment = load_experiment(overrides=[*OWN, "dataset=on-devices"])
    with pytest.raises(UsageError, match="dataset: 'on-devices' means that the samples are on"):
        simulation.simulate(experiment, nodes=2)
    with pytest.raises(UsageError, match="dataset: 'on-devices' means that the samples are on"):
        up(experiment, tmp_path / "run", nodes=2)
