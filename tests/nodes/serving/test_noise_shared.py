"""Masks and noise together over nodes in this process: sites share the noise."""

from dataclasses import dataclass

import numpy as np
import pytest

pytest.importorskip("cryptography", reason="needs pip install 'tifed[privacy]'")
pytest.importorskip("dp_accounting", reason="needs pip install 'tifed[privacy]'")

from tests.nodes.direct import Residents

import tifed
from tifed.experiment import Experiment, to_toml
from tifed.experiment.identity import identity
from tifed.nodes import masked_answers
from tifed.nodes.messages.content import Content, MessageError, refusal
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
class Nodes(Residents):
    """Ten nodes, of which more are lost in each round, before they mask a sum."""

    lost: tuple[int, ...] = ()

    def answered(self, node: int, content: Content) -> Content:
        if content.kind == "masked-fit" and node <= self.lost_in(content.values["round"]):
            return refusal(str(content.values["experiment"]), "it is gone")
        return super().answered(node, content)

    def lost_in(self, number: int) -> int:
        return self.lost[number] if number < len(self.lost) else 0


def nodes_of(experiment: Experiment, lost: tuple[int, ...] = ()) -> Nodes:
    settings = Settings(to_toml(experiment), attempts=1, grace=0.0)
    return Nodes(settings, [{"accepts": "any"}] * NODES, lost)


def experiment(sites: int) -> Experiment:
    privacy = PRIVACY | {"noise_sites": sites}
    return Experiment(devices=20, rounds=3, layers=(64, 4, 10), privacy=privacy)


@pytest.mark.parametrize("sites", [1, 9])
def test_nodes_and_the_simulation_end_with_one_digest(sites: int) -> None:
    """Each site's noise is that of the seed, of its first device; masks take none of it away."""
    nodes = nodes_of(experiment(sites))
    over = nodes.serve()
    assert over.digest == tifed.run(experiment(sites)).digest
    assert over.digest != tifed.run(experiment(10 - sites)).digest
    assert over.privacy is not None
    assert over.privacy.sigma == (1000 if sites == 1 else 334)


def test_a_sum_that_lacks_too_much_of_the_noise_is_not_unmasked() -> None:
    """Seven of ten sites are enough for the masks; the noise of nine was promised."""
    nodes = nodes_of(experiment(9), lost=(1, 2, 0))
    lines: list[str] = []
    result = nodes.serve(lines.append)
    void = [line for line in lines if " is void: " in line]
    assert len(void) == 1
    assert void[0].startswith("round 2, exchange 1 is void: 8 sites have sent sums with their part")
    # Given away or not, what was begun counts.
    assert result.privacy is not None
    assert result.privacy.exchanges == 3
    alike = nodes_of(experiment(1), lost=(1, 2, 0))
    alike.serve(lines.append)
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
    nodes = nodes_of(experiment(9), lost=(2, 0, 0))
    lines: list[str] = []
    nodes.serve(lines.append)
    refused = [line for line in lines if "will not unmask a sum among 8 sites: 9 make" in line]
    void = [line for line in lines if " is void: " in line]
    assert (len(refused), len(void)) == ((8, 1) if held else (0, 0))


def test_a_node_does_not_share_among_fewer_than_make_the_noise() -> None:
    nodes = nodes_of(experiment(9))
    name, session = identity(experiment(9)), bytes(16)
    keys = {}
    for node in range(8):
        own = {"devices": to_ranges(np.array([2 * node, 2 * node + 1]))}
        keys[2 * node] = keys_from(nodes.asked(node + 1, keys_message(name, session), own))
    others = {site: found for site, found in keys.items() if site}
    with pytest.raises(MessageError, match="will not share among 8 sites: 9 make the noise"):
        nodes.asked(1, shares_message(name, session, 8, 6), neighbour_arrays(others))
