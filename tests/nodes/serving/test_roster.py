"""Which nodes a server believes that they host devices."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.nodes.direct import Direct, Residents

from tifed.errors import UsageError
from tifed.experiment import build, load_experiment, to_toml
from tifed.experiment.identity import identity
from tifed.nodes.messages import Content, message
from tifed.nodes.messages.device_ranges import to_ranges
from tifed.nodes.serving.roster import NOBODY, Roster
from tifed.nodes.serving.settings import Settings
from tifed.nodes.serving.sites import Sites


def write_data(path: Path, seed: int) -> None:
    """Two features that tell two classes apart."""
    rng = np.random.default_rng(seed)
    values = rng.integers(-100, 100, (80, 2))
    rows = [f"{a},{b},{int(a > b)}" for a, b in values.tolist()]
    path.write_text("x,y,label\n" + "\n".join(rows) + "\n")


@pytest.mark.parametrize("same", [True, False])
def test_a_node_with_other_data_gets_no_work(tmp_path: Path, same: bool) -> None:
    data = tmp_path / f"data-{same}.csv"
    write_data(data, 1)
    experiment = load_experiment(overrides=[f"dataset={data}", "devices=2", "rounds=1"])
    setup = build(experiment)
    assert setup.dataset is not None
    if not same:
        write_data(data, 2)
    nodes = Residents(Settings(to_toml(experiment)), [{"data-dir": str(tmp_path)}])
    log: list[str] = []
    roster = Roster(
        nodes, setup.federation, identity(experiment), setup.dataset.digest, 60.0, log.append
    )
    assert roster.look() is same
    assert log == (
        ["node 1 hosts devices 0-1"]
        if same
        else [
            "node 1 dropped: it has other data than the server, or deals them to "
            "devices in another way"
        ]
    )
    assert roster.host.tolist() == ([1, 1] if same else [NOBODY, NOBODY])


@dataclass
class Claims(Direct):
    """Nodes each of which says at once that it hosts what it claims."""

    claims: dict[int, list[int]]
    names: dict[int, str]
    told: list[int] = field(default_factory=list)

    def present(self) -> dict[int, str]:
        return {node: self.names[node] for node in self.claims}

    def answered(self, node: int, content: Content) -> Content:
        self.told.append(node)
        arrays: dict[str, np.ndarray] = {"devices": to_ranges(self.claims[node])}
        return message("hello", str(content.values["experiment"]), arrays, data="data")


@pytest.fixture
def claimed() -> Any:
    """Makes a roster of claims, and its log."""
    federation = build(load_experiment(overrides=["devices=4"])).federation

    def make(nodes: Claims, sites: str = "") -> tuple[Roster, list[str]]:
        log: list[str] = []
        bound = Sites.of(sites.split(), 4)
        as_sent = Sites.from_toml(bound.to_toml())
        return Roster(nodes, federation, "it", "data", 60.0, log.append, as_sent), log

    return make


def test_nobody_takes_devices_from_a_node_that_is_there(claimed: Any) -> None:
    nodes = Claims({5: [0, 1]}, {5: "ours", 6: "thief", 7: ""})
    roster, log = claimed(nodes)
    roster.look()
    nodes.claims |= {6: [0, 1, 2, 3], 7: [1]}
    assert not roster.look()
    assert roster.host.tolist() == [5, 5, NOBODY, NOBODY]
    for node, devices in ((6, "0-1"), (7, "1")):
        assert (
            f"node {node} dropped: it wants devices {devices}, which node 5 hosts and is there; it "
            "is asked again when that one has left"
        ) in log
    # Asked again as soon as the devices are free, and not before.
    assert nodes.told == [5, 6, 7]
    del nodes.claims[5], nodes.claims[7]
    roster.look()
    roster.look()
    assert roster.host.tolist() == [6, 6, 6, 6]
    assert nodes.told == [5, 6, 7, 6]


def test_a_node_of_the_same_site_has_its_devices_back_at_once(claimed: Any) -> None:
    nodes = Claims({5: [0, 1]}, {5: "ours", 6: "ours"})
    roster, log = claimed(nodes)
    roster.look()
    nodes.claims[6] = [0, 1]
    assert roster.look()
    assert roster.host.tolist() == [6, 6, NOBODY, NOBODY]
    assert "node 6 takes devices 0-1 over from node 5, of its site" in log


def test_nodes_that_name_no_site_are_not_of_one(claimed: Any) -> None:
    nodes = Claims({5: [0, 1]}, {5: "", 6: ""})
    roster, log = claimed(nodes)
    roster.look()
    nodes.claims[6] = [0, 1, 2]
    assert not roster.look()
    assert roster.host.tolist() == [5, 5, NOBODY, NOBODY]
    assert any(line.startswith("node 6 dropped: it wants devices 0-1, which node") for line in log)


def test_a_site_hosts_the_devices_that_it_is_bound_to(claimed: Any) -> None:
    nodes = Claims({5: [0, 1, 2], 6: [3], 7: [2]}, {5: "a", 6: "b", 7: ""})
    roster, log = claimed(nodes, "a=0-1 b=2,3")
    roster.look()
    assert roster.host.tolist() == [NOBODY, NOBODY, NOBODY, 6]
    bound = "not bound (a: devices 0-1; b: devices 2,3)"
    assert f"node 5 dropped: it wants devices 2, to which its site a is {bound}" in log
    assert f"node 7 dropped: it wants devices 2, to which its site without a name is {bound}" in log


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
