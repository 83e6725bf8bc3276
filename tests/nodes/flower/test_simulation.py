"""Flower's simulation engine for real, with Ray's workers."""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("flwr", reason="needs Flower: pip install 'tifed[flower]'")
pytest.importorskip("ray", reason="needs Ray: pip install 'tifed[flower]'")

from flwr.app import Context, Message
from flwr.clientapp import ClientApp

import tifed
from tifed.errors import RunError
from tifed.experiment import RunFolder, Setup, load_experiment, to_toml
from tifed.extractor import Dense, Extractor, save_extractor
from tifed.federation import DeviceScore, FeatureSums, Fleet, Plan, Update
from tifed.nodes.flower import simulate as simulation
from tifed.nodes.serving.settings import Settings
from tifed.rule.network import Parameters

# Ray leaves sockets and processes to the garbage collector.
pytestmark = [
    pytest.mark.slow(250),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning"),
    pytest.mark.usefixtures("collected"),
]


def misbehaving(settings: Settings) -> ClientApp:
    """Node 0 is honest, 1 talks nonsense after hello, 2 is of another release, 3 fails."""

    def answer(message: Message, context: Context) -> Message:
        from flwr.app import Array, ArrayRecord, RecordDict

        from tifed.nodes.flower.client import reply

        partition = context.node_config["partition-id"]
        content: RecordDict = reply(message.content, context, settings)
        head: Any = content["tifed"]
        if partition == 1 and head["kind"] == "fit" and head["round"] == 0:
            content = RecordDict({"arrays": ArrayRecord({"x": Array(np.zeros(3, np.float32))})})
        elif partition == 1 and head["kind"] == "fit":
            head["exchange"] += 1
        elif partition == 1 and head["kind"] == "evaluate":
            head["arrays"] = b"x"
        elif partition == 2:
            head["version"] = 2
        elif partition == 3 and head["kind"] != "hello":
            raise RuntimeError("out of memory\n2026-01-01T00:00:00Z failed: forged")
        return Message(content, reply_to=message)

    app = ClientApp()
    for register in (app.query(), app.train(), app.evaluate()):
        register(answer)
    return app


@dataclass(frozen=True)
class Only:
    """The devices of a fleet that are honest in the run below."""

    fleet: Fleet

    def calibrate(self, devices: Sequence[int], samples: int) -> Iterable[FeatureSums]:
        return self.fleet.calibrate([0, 1, 2, 3], samples)

    def fit(self, plan: Plan, parameters: Parameters) -> Iterable[Update]:
        jobs = plan.jobs.at(plan.jobs.device < 2)
        return self.fleet.fit(replace(plan, jobs=jobs), parameters)

    def evaluate(self, parameters: Parameters) -> Iterator[DeviceScore]:
        return (s for s in self.fleet.evaluate(parameters) if s.device < 2)

    def close(self) -> None:
        self.fleet.close()


def test_bad_nodes_are_dropped_and_the_run_completes(tmp_path: Path) -> None:
    experiment = load_experiment(preset="digits", overrides=["rounds=2", "minimum_devices=2"])
    settings = Settings(to_toml(experiment), out=str(tmp_path / "run"), grace=3, attempts=1)
    lines: list[str] = []
    result = simulation.run_in_ray(settings, misbehaving(settings), 4, log=lines.append)
    log = "\n".join(lines)

    def honest(setup: Setup) -> Only:
        return Only(setup.fleet)

    assert result.digest == tifed.run(experiment, fleet=honest).digest
    for reason in (
        "dropped: it speaks version 2 of the message format; this release speaks version 5",
        "dropped: it is not a message of TIFeD",
        "dropped: it is of exchange 2, not 1",
        "dropped: it has unreadable arrays",
        "dropped: it failed",
        "round 1, exchange 0: no answer of devices 2-7",
        "round 2, exchange 1: no answer of devices 2-7",
    ):
        assert reason in log, log
    # In one line or two, as the answers of the two bad nodes came in.
    silent = re.findall(r"calibration: no answer of devices (\d)-(\d)", log)
    assert {device for pair in silent for device in pair} >= {"4", "7"}
    written = (tmp_path / "run/flower.log").read_text().splitlines()
    assert [line.partition(" ")[2] for line in written] == lines
    assert RunFolder(tmp_path / "run").read_metrics(2)[1]["answered"] == "2"


SHORT = ["compression.upload=ternary", "compression.download=4-bit", "compression.rows=2"]


@pytest.mark.parametrize(
    "settings",
    [["mode=full-network"], ["mode=single-layer", *SHORT], ["buffers_per_round=2", *SHORT]],
)
def test_one_digest_in_the_simulation_engine(
    tmp_path: Path,
    settings: list[str],
    three_rounds: list[str],
    assert_same_files: Callable[..., None],
) -> None:
    experiment = load_experiment(preset="digits", overrides=[*three_rounds, *settings])
    assert experiment.devices == 8
    simulator = tifed.run(experiment, out=tmp_path / "simulator")
    lines: list[str] = []
    engine = simulation.simulate(experiment, nodes=3, out=tmp_path / "engine", log=lines.append)
    assert engine.digest == simulator.digest
    assert sorted(line.split(" hosts ")[1] for line in lines) == [
        "devices 0-2", "devices 3-5", "devices 6-7",
    ]  # fmt: skip
    assert_same_files(tmp_path / "simulator", tmp_path / "engine")


def test_nodes_make_features_themselves(tmp_path: Path) -> None:
    """A front end, then an extractor, whose file is at every node; parameters alone travel."""
    path = tmp_path / "e.safetensors"
    weights = np.random.default_rng(1).integers(-9, 10, (16, 32)).astype(np.int8)
    layer = Dense(weights, np.zeros(16, np.int32), np.full(16, 5, np.uint8))
    save_extractor(path, Extractor((2, 2, 8), -128, (layer,), "random weights"))
    overrides = ["rounds=2", "front_end=octants", f"extractor={path}", "layers=[16, 16, 10]"]
    experiment = load_experiment(preset="digits", overrides=overrides)
    before = dict(os.environ)
    result = simulation.simulate(experiment, nodes=2)
    # Flower and Ray set variables that programs started later would inherit.
    assert {name: os.environ.get(name) for name in ("PYTHONPATH", "FLWR_HOME")} == {
        name: before.get(name) for name in ("PYTHONPATH", "FLWR_HOME")
    }
    assert result.front_end == "octants"
    assert result.digest == tifed.run(experiment).digest


def test_devices_are_held_to_their_bounds_by_their_nodes() -> None:
    overrides = ["rounds=4", "devices=5", "robust.clip=1"]
    experiment = load_experiment(preset="digits", overrides=overrides)
    assert simulation.simulate(experiment, nodes=2).digest == tifed.run(experiment).digest


def test_a_median_over_the_sums_of_nodes_is_refused() -> None:
    overrides = ["rounds=1", "robust.aggregate=median"]
    experiment = load_experiment(preset="digits", overrides=overrides)
    with pytest.raises(RunError, match=r"^robust.aggregate: 'median' needs each device's own"):
        simulation.simulate(experiment, nodes=2)


def test_one_node_adds_the_noise_that_the_simulation_adds(tmp_path: Path) -> None:
    """And two nodes add noise twice, so that each node's sum has all of it."""
    experiment = load_experiment(
        overrides={
            "devices": 4, "rounds": 2, "layers": [64, 4, 10], "privacy.noise_multiplier": 1,
            "privacy.clip": 1000, "privacy.centre": -64, "privacy.noise_seed": 5,
        }
    )  # fmt: skip
    here = tifed.run(experiment)
    one, two = (simulation.simulate(experiment, nodes=n, out=tmp_path / str(n)) for n in (1, 2))
    assert one.digest == here.digest
    assert two.digest != here.digest
    assert one.privacy == two.privacy == here.privacy
