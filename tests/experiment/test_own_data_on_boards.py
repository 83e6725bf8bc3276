"""Runs with own data on emulated boards come to what the simulator comes to, to the last number."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tifed
from tifed import Experiment, resume, run
from tifed.data import Samples
from tifed.data.partition import PARTITIONS, Partition, PartitionKind
from tifed.experiment import Result, RunFolder

pytestmark = pytest.mark.slow(30)

WHERE = {"out": None, "seconds": 0.0, "command": ""}
OWN: dict[str, Any] = {
    "own_data": True, "devices": 4, "rounds": 4, "personal": {"rounds": 3}, "evaluate_every": 3,
}  # fmt: skip


class Unequal(PartitionKind):
    """Two devices with a few samples only: they hold none out."""

    def deal(self, samples: Samples, devices: int, seed: int) -> Partition:
        """Four parts."""
        del seed
        assert devices == 4
        parts = (slice(0, 300), slice(300, 303), slice(400, 401), slice(500, 700))
        every = np.arange(len(samples))
        return Partition(tuple(every[part] for part in parts), len(samples), "unequal")


def same(one: Result, other: Result) -> bool:
    return one.model_copy(update=WHERE) == other.model_copy(update=WHERE)


@pytest.mark.parametrize(
    "settings",
    [
        {"report_classes": True},
        {"partition": {"kind": "dirichlet", "alpha": 0.2}, "mode": "single-layer"},
        {"partition": {"kind": "unequal"}, "faults": {"probability": 0.3}},
        {"personal": {"rounds": 2, "layers": "last"}, "recipe": "paper", "held_out_every": 2},
        {"front_end": "edges", "dataset": "fashion-mnist", "buffer": 5, "batch": 5, "rounds": 2,
         "partition": {"kind": "iid", "limit_per_device": 40}},
    ],
    ids=["classes", "single-layer", "too-few", "paper", "front-end"],
)  # fmt: skip
def test_every_number_is_the_simulators(
    settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PARTITIONS, "_scripts", {})
    tifed.register_partition("unequal", Unequal)
    simulated = run(Experiment(**(OWN | settings)), out=tmp_path / "simulated")
    boards = run(Experiment(**(OWN | settings), fleet="emulated"), out=tmp_path / "boards")
    assert same(simulated, boards)
    assert simulated.own is not None
    assert simulated.own.personal is not None
    details = [RunFolder(tmp_path / name).read().details for name in ("simulated", "boards")]
    assert details[0] == details[1]
    rows = [(tmp_path / name / "metrics.csv").read_text() for name in ("simulated", "boards")]
    assert rows[0] == rows[1]


def test_boards_go_on_with_what_the_simulator_began(tmp_path: Path) -> None:
    class StopHere(Exception):
        """Ends a run as a power cut does."""

    def watch(progress: Any) -> None:
        if progress.record.round == 1:
            raise StopHere

    with pytest.raises(StopHere):
        run(Experiment(**OWN), out=tmp_path / "run", watch=watch)
    path = tmp_path / "run/experiment.toml"
    path.write_text(path.read_text().replace('"simulated"', '"emulated"'))
    result = resume(tmp_path / "run")
    assert same(result, run(Experiment(**OWN)))
