"""Devices with data of their own over Flower: simulated by its engine, and boards, deployed."""

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("flwr", reason="needs Flower: pip install 'tifed[flower]'")
pytest.importorskip("ray", reason="needs Ray: pip install 'tifed[flower]'")
pytest.importorskip("unicorn", reason="needs pip install 'tifed[emulator]'")

import tifed
from tifed.errors import UsageError
from tifed.experiment import load_experiment, to_toml
from tifed.nodes.flower import simulate as simulation
from tifed.nodes.flower.up import up

# Ray leaves sockets and processes to the garbage collector.
pytestmark = [
    pytest.mark.slow(120),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning"),
    pytest.mark.usefixtures("collected"),
]

OWN = [
    "own_data=true", "layers=[64,8,10]", "devices=3", "rounds=2", "evaluate_every=2",
    "personal.rounds=1",
]  # fmt: skip


def test_one_digest_simulated_and_on_boards_whose_data_nobody_else_has(
    tmp_path: Path, boards: Any, gateway: Any
) -> None:
    dealt = load_experiment(overrides=OWN)
    alone = tifed.run(dealt, out=tmp_path / "alone")
    simulated = simulation.simulate(dealt, nodes=2, out=tmp_path / "simulated")
    assert simulated.digest == alone.digest

    lines = boards(3, *OWN)
    experiment = load_experiment(overrides=[*OWN, "dataset=on-devices"])
    file = tmp_path / "own.toml"
    file.write_text(to_toml(experiment))
    accepts = ("--accepts", str(file))
    gateways = [gateway(part, *accepts)[1] for part in (lines[:2], lines[2:])]
    deployed = up(experiment, tmp_path / "deployed", nodes=2, gateways=gateways)
    assert deployed.digest == alone.digest
    assert simulated.accuracy == deployed.accuracy == alone.accuracy
    assert read(tmp_path / "simulated", "details.json") == read(tmp_path / "alone", "details.json")
    for run in ("simulated", "deployed"):
        assert read(tmp_path / run, "metrics.csv") == read(tmp_path / "alone", "metrics.csv")


def read(folder: Path, name: str) -> str:
    """What a run measured, to the last digit."""
    return (folder / name).read_text()


def test_samples_on_devices_are_not_simulated(tmp_path: Path) -> None:
    experiment = load_experiment(overrides=[*OWN, "dataset=on-devices"])
    with pytest.raises(UsageError, match="dataset: 'on-devices' means that the samples are on"):
        simulation.simulate(experiment, nodes=2)
    with pytest.raises(UsageError, match="dataset: 'on-devices' means that the samples are on"):
        up(experiment, tmp_path / "run", nodes=2)
