"""Which nodes a server believes that they host devices."""

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("flwr", reason="needs Flower: pip install 'tifed[flower]'")

from flwr.app import Context, RecordDict

from tifed.experiment import build, load_experiment, to_toml
from tifed.experiment.identity import identity
from tifed.nodes.flower.client import reply
from tifed.nodes.flower.roster import NOBODY, Roster
from tifed.nodes.flower.settings import Settings


@dataclass
class OneNode:
    """Flower's way to a node that answers at once."""

    settings: Settings
    context: Context
    replies: list[Any] = field(default_factory=list)

    def get_node_ids(self) -> list[int]:
        return [7]

    def push_messages(self, messages: list[Any]) -> list[str]:
        for one in messages:
            content = reply(one.content, self.context, self.settings)
            metadata = SimpleNamespace(reply_to_message_id="hello")
            said = SimpleNamespace(metadata=metadata, content=content, has_error=lambda: False)
            self.replies.append(said)
        return ["hello"]

    def pull_messages(self, names: list[str]) -> list[Any]:
        return self.replies


def write_data(path: Path, seed: int) -> None:
    """Two features that tell two classes apart."""
    rng = np.random.default_rng(seed)
    values = rng.integers(-100, 100, (80, 2))
    rows = [f"{a},{b},{int(a > b)}" for a, b in values.tolist()]
    path.write_text("x,y,label\n" + "\n".join(rows) + "\n")


@pytest.mark.parametrize("same", [True, False])
def test_a_node_with_other_data_gets_no_work(
    tmp_path: Path, same: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Flower's own can be made within one of its server's processes alone.
    monkeypatch.setattr(
        "tifed.nodes.flower.roster.Message",
        lambda content, *_, **__: SimpleNamespace(content=content),
    )
    data = tmp_path / f"data-{same}.csv"
    write_data(data, 1)
    experiment = load_experiment(overrides=[f"dataset={data}", "devices=2", "rounds=1"])
    setup = build(experiment)
    assert setup.dataset is not None
    if not same:
        write_data(data, 2)
    node = Context(
        1, 7, {"partition-id": 0, "num-partitions": 1, "data-dir": str(tmp_path)}, RecordDict(), {}
    )
    grid: Any = OneNode(Settings(to_toml(experiment)), node)
    log: list[str] = []
    roster = Roster(
        grid, setup.federation, identity(experiment), setup.dataset.digest, 60.0, log.append
    )
    assert roster.look() is same
    assert log == (
        ["node 7 hosts devices 0-1"]
        if same
        else [
            "node 7 dropped: it has other data than the server, or deals them to "
            "devices in another way"
        ]
    )
    assert roster.host.tolist() == ([7, 7] if same else [NOBODY, NOBODY])
