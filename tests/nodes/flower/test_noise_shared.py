"""Masks and noise together over Flower's messages, in one process: sites share the noise."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("flwr", reason="needs Flower: pip install 'tifed[flower]'")
pytest.importorskip("cryptography", reason="needs pip install 'tifed[privacy]'")
pytest.importorskip("dp_accounting", reason="needs pip install 'tifed[privacy]'")

from flwr.app import Context, RecordDict

import tifed
from tifed.experiment import Experiment, to_toml
from tifed.experiment.identity import identity
from tifed.nodes import masked_answers
from tifed.nodes.flower.client import reply
from tifed.nodes.flower.format import pack, unpack
from tifed.nodes.flower.server import serve
from tifed.nodes.messages.content import Content, MessageError, message
from tifed.nodes.messages.device_ranges import to_ranges
from tifed.nodes.messages.masked import keys_from, keys_message, neighbour_arrays, shares_message
from tifed.nodes.serving.settings import Settings
from tifed.secure_aggregation.server import Aggregation

NODES = 10
PRIVACY = {
    "noise_multiplier": 1, "clip": 1000, "centre": -64, "noise_seed": 5,
    "secure_aggregation": True,
}  # fmt: skip


@dataclass
class Nodes:
    """Flower's way to ten nodes, of which more are lost in each round, before they mask a sum."""

    experiment: Experiment
    lost: tuple[int, ...] = ()
    contexts: list[Context] = field(default_factory=list)
    _replies: dict[str, Any] = field(default_factory=dict)
    _count: int = 0

    def __post_init__(self) -> None:
        place: dict[str, Any] = {"num-partitions": NODES, "accepts": "any"}
        self.contexts = [
            Context(1, node + 1, {"partition-id": node, **place}, RecordDict(), {})
            for node in range(NODES)
        ]
        self.settings = Settings(to_toml(self.experiment), attempts=1, grace=0.0)

    def get_node_ids(self) -> list[int]:
        return list(range(1, 1 + NODES))

    def push_messages(self, messages: Iterable[Any]) -> list[str]:
        names = []
        for one in messages:
            self._count += 1
            names.append(name := f"m{self._count}")
            node, head = one.node - 1, one.content["tifed"]
            if head["kind"] == "masked-fit" and node < self.lost_in(head["round"]):
                gone = message("refusal", identity(self.experiment), {}, refused="it is gone")
                content = pack(gone)
            else:
                content = reply(one.content, self.contexts[node], self.settings)
            metadata = SimpleNamespace(reply_to_message_id=name)
            self._replies[name] = SimpleNamespace(
                metadata=metadata, content=content, has_error=lambda: False
            )
        return names

    def lost_in(self, number: int) -> int:
        return self.lost[number] if number < len(self.lost) else 0

    def pull_messages(self, names: Iterable[str]) -> Iterator[Any]:
        for name in list(names):
            if name in self._replies:
                yield self._replies.pop(name)


@pytest.fixture(autouse=True)
def _flower_without_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    # Flower's own messages can be made within one of its server's processes alone.
    monkeypatch.setattr(
        "tifed.nodes.flower.grid.Message",
        lambda content, node, *_, **__: SimpleNamespace(content=content, node=node),
    )


def experiment(sites: int) -> Experiment:
    privacy = PRIVACY | {"noise_sites": sites}
    return Experiment(devices=20, rounds=3, layers=(64, 4, 10), privacy=privacy)


@pytest.mark.parametrize("sites", [1, 9])
def test_nodes_and_the_simulation_end_with_one_digest(sites: int) -> None:
    """Each site's noise is that of the seed, of its first device; masks take none of it away."""
    grid: Any = Nodes(experiment(sites))
    over = serve(grid, grid.settings, log=print)
    assert over.digest == tifed.run(experiment(sites)).digest
    assert over.digest != tifed.run(experiment(10 - sites)).digest
    assert over.privacy is not None
    assert over.privacy.sigma == (1000 if sites == 1 else 334)


def test_a_sum_that_lacks_too_much_of_the_noise_is_not_unmasked() -> None:
    """Seven of ten sites are enough for the masks; the noise of nine was promised."""
    grid: Any = Nodes(experiment(9), lost=(1, 2, 0))
    lines: list[str] = []
    result = serve(grid, grid.settings, log=lines.append)
    void = [line for line in lines if " is void: " in line]
    assert len(void) == 1
    assert void[0].startswith("round 2, exchange 1 is void: 8 sites have sent sums with their part")
    # Given away or not, what was begun counts.
    assert result.privacy is not None
    assert result.privacy.exchanges == 3
    alike: Any = Nodes(experiment(1), lost=(1, 2, 0))
    serve(alike, alike.settings, log=lines.append)
    assert len([line for line in lines if " is void: " in line]) == 1


@pytest.mark.parametrize("held", [True, False])
def test_nodes_do_not_unmask_for_a_server_that_overlooks_it(
    monkeypatch: pytest.MonkeyPatch, held: bool
) -> None:
    """Eight of the nine that make the noise; and with the nodes' own look at it taken away."""
    overlooks = property(lambda _: 1, lambda *_: None)
    monkeypatch.setattr(Aggregation, "least_sites", overlooks)
    if not held:
        monkeypatch.setattr(masked_answers, "_require_noise", lambda *_: None)
    grid: Any = Nodes(experiment(9), lost=(2, 0, 0))
    lines: list[str] = []
    serve(grid, grid.settings, log=lines.append)
    refused = [line for line in lines if "will not unmask a sum among 8 sites: 9 make" in line]
    void = [line for line in lines if " is void: " in line]
    assert (len(refused), len(void)) == ((8, 1) if held else (0, 0))


def test_a_node_does_not_share_among_fewer_than_make_the_noise() -> None:
    grid: Any = Nodes(experiment(9))
    name, session = identity(grid.experiment), bytes(16)

    def said(node: int, asked: Content) -> Content:
        return unpack(reply(pack(asked), grid.contexts[node], grid.settings), None, name)

    keys = {}
    for node in range(8):
        asked = keys_message(name, session)
        arrays = {"devices": to_ranges(np.array([2 * node, 2 * node + 1]))}
        keys[2 * node] = keys_from(said(node, Content(asked.kind, asked.values, arrays)))
    asked = shares_message(name, session, 8, 6)
    others = {site: found for site, found in keys.items() if site}
    with pytest.raises(MessageError, match="will not share among 8 sites: 9 make the noise"):
        said(0, Content(asked.kind, asked.values, neighbour_arrays(others)))
