"""Boards with data of their own: on lines, behind gateways, and with what their owner asks for."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("unicorn", reason="needs pip install 'tifed[emulator]'")

import tifed
from tifed.experiment import Experiment, RunFolder, load_experiment, to_toml
from tifed.experiment.identity import identity
from tifed.nodes.acceptance import acceptance
from tifed.nodes.context import DeviceSelection
from tifed.nodes.gateway import relay
from tifed.nodes.messages import Content, message

pytestmark = pytest.mark.slow(30)

OWN = [
    "own_data=true", "layers=[64,8,10]", "devices=3", "rounds=3", "mode=single-layer",
    "personal.rounds=2",
]  # fmt: skip


def on_devices(*changes: str) -> Experiment:
    return load_experiment(overrides=[*OWN, "dataset=on-devices", *changes])


def told(folder: Path) -> tuple[str, str]:
    """What a run measured, to the last digit."""
    return (folder / "metrics.csv").read_text(), (folder / "details.json").read_text()


def test_one_digest_on_lines_and_behind_gateways_without_a_data_set(
    tmp_path: Path, boards: Any, gateway: Any, behind: Any, service: Any
) -> None:
    alone = tifed.run(load_experiment(overrides=OWN))
    lines = boards(3, *OWN)
    listed = ",".join(f'"{line}"' for line in lines)
    linked = on_devices("fleet=linked", f"link.devices=[{listed}]")
    on_lines = tifed.run(linked, out=tmp_path / "lines")
    assert on_lines.digest == alone.digest
    assert on_lines.accuracy == alone.accuracy
    assert on_lines.test_accuracy is None

    # The same boards, which work for this one experiment, behind two gateways without data.
    text = acceptance(on_devices())
    addresses = [gateway(part, "--accepts", text)[1] for part in (lines[:2], lines[2:])]
    empty = tmp_path / "empty"
    empty.mkdir()
    experiment = on_devices()
    behind_gateways = tifed.run(
        experiment, fleet=behind(experiment, *addresses), out=tmp_path / "gateways", data_dir=empty
    )
    assert behind_gateways.digest == alone.digest
    assert told(tmp_path / "gateways") == told(tmp_path / "lines")


def test_the_boards_of_one_federation_are_emulated_by_two_commands(
    tmp_path: Path, service: Any, gateway: Any, behind: Any
) -> None:
    words = [word for setting in OWN for word in ("--set", setting)]
    lines = [f"unix:{tmp_path}/board-{number}" for number in range(3)]
    for first, own in ((0, lines[:1]), (1, lines[1:])):
        emulated = service(
            "emulate", "--listen", ",".join(own), "--first-device", str(first), *words
        )
        emulated.says(" is at ", len(own))
    one, address = gateway(lines, "--accepts", "any")
    experiment = on_devices()
    fleet = behind(experiment, address)
    result = tifed.run(experiment, fleet=fleet, out=tmp_path / "run")
    assert result.digest == tifed.run(load_experiment(overrides=OWN)).digest

    # A board works for one experiment until its owner releases it.
    other = on_devices("seed=2")
    sums = message("calibrate", identity(other), {"devices": np.array([[0, 3]])}, samples=50)
    answer = relay.ask(address, to_toml(other), DeviceSelection(first=0), sums, 300.0)
    assert answer.integer("samples") == 0
    assert answer.values["absent"] == [0, 1, 2]
    assert all("its owner does not allow it" in reason for reason in answer.values["reasons"])
    assert "device 2 is left out of the calibration round" in one.text
    few = Content("calibrate", {**sums.values, "samples": 49}, sums.arrays)
    answer = relay.ask(address, to_toml(other), DeviceSelection(first=0), few, 300.0)
    assert answer.values["refused"] == (
        "will not sum 49 samples of each device: this experiment's calibration is over 50"
    )
    again = tifed.run(experiment, fleet=fleet, out=tmp_path / "again")
    assert again.digest == result.digest
    (row, *_) = RunFolder(tmp_path / "again").read_metrics(3)
    assert row["answered"] == "3"


def test_more_boards_than_devices_or_without_own_data_are_refused(
    tmp_path: Path, service: Any
) -> None:
    words = [word for setting in OWN for word in ("--set", setting)]
    place = f"unix:{tmp_path}/one"
    beyond = service("emulate", "--listen", place, "--first-device", "3", *words)
    assert beyond.process.wait(120) == 2
    assert "--listen: 1 boards from device 3 on, but the experiment has 3 devices" in beyond.text
    sent = service("emulate", "--listen", place, "--first-device", "1")
    assert sent.process.wait(120) == 2
    assert "--first-device: goes with own_data = true" in sent.text
