"""Which nodes a server believes that they host devices."""

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("flwr", reason="needs Flower: pip install 'tifed[flower]'")

from flwr.app import Context, RecordDict

from tifed.errors import UsageError
from tifed.experiment import build, load_experiment, to_toml
from tifed.experiment.identity import identity
from tifed.nodes.flower.client import reply
from tifed.nodes.flower.format import pack
from tifed.nodes.flower.grid import GridTransport
from tifed.nodes.messages import message
from tifed.nodes.messages.device_ranges import to_ranges
from tifed.nodes.serving.roster import NOBODY, Roster
from tifed.nodes.serving.settings import Settings
from tifed.nodes.serving.sites import Sites


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
        "tifed.nodes.flower.grid.Message",
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
        GridTransport(grid),
        setup.federation,
        identity(experiment),
        setup.dataset.digest,
        60.0,
        log.append,
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


@dataclass
class Claims:
    """Flower's way to nodes, each of which says at once that it hosts what it claims."""

    experiment: str
    claims: dict[int, list[int]]
    names: dict[int, str]
    asked: list[int] = field(default_factory=list)
    keys: dict[int, bytes] = field(default_factory=dict)

    def get_nodes(self) -> list[Any]:
        return [
            SimpleNamespace(
                node_id=node, name=self.names[node], public_key=self.keys.get(node, b"%d" % node)
            )
            for node in self.claims
        ]

    def push_messages(self, messages: list[Any]) -> list[str]:
        self.asked += [one.node for one in messages]
        return [f"hello-{one.node}" for one in messages]

    def pull_messages(self, names: list[str]) -> list[Any]:
        return [self._said(name, int(name.removeprefix("hello-"))) for name in names]

    def _said(self, name: str, node: int) -> Any:
        arrays: dict[str, np.ndarray] = {"devices": to_ranges(self.claims[node])}
        return SimpleNamespace(
            metadata=SimpleNamespace(reply_to_message_id=name),
            content=pack(message("hello", self.experiment, arrays, data="data")),
            has_error=lambda: False,
        )


@pytest.fixture
def claimed(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes a roster of claims, which looks whenever it is told to, and its log."""
    monkeypatch.setattr(
        "tifed.nodes.flower.grid.Message",
        lambda content, node, *_, **__: SimpleNamespace(content=content, node=node),
    )
    federation = build(load_experiment(overrides=["devices=4"])).federation

    def make(grid: Claims, sites: str = "") -> tuple[Roster, list[str]]:
        log: list[str] = []
        bound = Sites.of(sites.split(), 4)
        as_sent = Sites.from_toml(bound.to_toml())
        as_flower: Any = grid
        transport = GridTransport(as_flower, look_every=0.0)
        return Roster(transport, federation, "it", "data", 60.0, log.append, as_sent), log

    return make


def test_nobody_takes_devices_from_a_node_that_is_there(claimed: Any) -> None:
    grid = Claims("it", {5: [0, 1]}, {5: "ours", 6: "thief", 7: ""})
    roster, log = claimed(grid)
    roster.look()
    grid.claims |= {6: [0, 1, 2, 3], 7: [1]}
    assert not roster.look()
    assert roster.host.tolist() == [5, 5, NOBODY, NOBODY]
    for node, devices in ((6, "0-1"), (7, "1")):
        assert (
            f"node {node} dropped: it wants devices {devices}, which node 5 hosts and is there; it "
            "is asked again when that one has left"
        ) in log
    # Asked again as soon as the devices are free, and not before.
    assert grid.asked == [5, 6, 7]
    del grid.claims[5], grid.claims[7]
    roster.look()
    roster.look()
    assert roster.host.tolist() == [6, 6, 6, 6]
    assert grid.asked == [5, 6, 7, 6]


def test_a_node_of_the_same_site_has_its_devices_back_at_once(claimed: Any) -> None:
    grid = Claims("it", {5: [0, 1]}, {5: "ours", 6: "ours"})
    roster, log = claimed(grid)
    roster.look()
    grid.claims[6] = [0, 1]
    assert roster.look()
    assert roster.host.tolist() == [6, 6, NOBODY, NOBODY]
    assert "node 6 takes devices 0-1 over from node 5, of its site" in log


def test_nodes_that_name_no_site_are_not_of_one(claimed: Any) -> None:
    grid = Claims("it", {5: [0, 1]}, {5: "", 6: ""}, keys={5: b"", 6: b""})
    roster, log = claimed(grid)
    roster.look()
    grid.claims[6] = [0, 1, 2]
    assert not roster.look()
    assert roster.host.tolist() == [5, 5, NOBODY, NOBODY]
    assert any(line.startswith("node 6 dropped: it wants devices 0-1, which node") for line in log)


def test_a_site_hosts_the_devices_that_it_is_bound_to(claimed: Any) -> None:
    grid = Claims("it", {5: [0, 1, 2], 6: [3], 7: [2]}, {5: "a", 6: "b", 7: ""})
    roster, log = claimed(grid, "a=0-1 b=2,3")
    roster.look()
    assert roster.host.tolist() == [NOBODY, NOBODY, NOBODY, 6]
    bound = "not bound (a: devices 0-1; b: devices 2,3)"
    assert f"node 5 dropped: it wants devices 2, to which its site a is {bound}" in log
    (unnamed,) = (line for line in log if line.startswith("node 7"))
    assert "its site key " in unnamed
    assert unnamed.endswith(bound)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["a"], "--site: 'a' is not NAME=DEVICES"),
        (["a=0-"], "is not NAME=DEVICES"),
        (["=1"], "is not NAME=DEVICES"),
        (["a=4"], "a has devices 4-4, but the experiment has those from 0 to 3"),
        (["a=2-1"], "a has devices 2-1, but"),
        (["a=0", "a=1"], "a is there twice"),
        (["a=0-2", "b=2"], "a and b have both device 2"),
    ],
)
def test_what_binds_no_site_is_refused(options: list[str], reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        Sites.of(options, 4)
    with pytest.raises(UsageError, match="sites"):
        Sites.from_toml("a = 1")
