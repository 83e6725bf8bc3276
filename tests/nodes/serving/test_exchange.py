"""Exchanges with nodes that come late, fail, leave, and come back."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from tests.nodes.direct import Residents

import tifed
from tifed.errors import RunError
from tifed.experiment import Experiment, RunFolder, to_toml
from tifed.experiment.identity import identity
from tifed.nodes.messages.content import Arrays, Content, message, refusal
from tifed.nodes.messages.device_ranges import to_ranges
from tifed.nodes.serving import exchange, run
from tifed.nodes.serving.settings import Settings

EXPERIMENT = Experiment(devices=6, rounds=4)
NAME = identity(EXPERIMENT)


@dataclass
class Troubled(Residents):
    """Nodes to which something happens.

    Attributes:
        happens: told of a node and what it is asked, before it answers; True if it does not.
        there: nodes that are; their sites are all of one name, and none in particular.
        sent: how often each node was asked each kind.
    """

    happens: Callable[["Troubled", int, Content], bool]
    there: set[int] = field(default_factory=set)
    sent: list[tuple[int, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.there = set(range(1, 1 + len(self.nodes)))

    def present(self) -> dict[int, str]:
        return dict.fromkeys(sorted(self.there), "ours")

    def send(self, node: int, prepared: Content, own: Arrays, timeout: float) -> str | None:
        if node not in self.there:
            return None
        self.sent.append((node, prepared.kind))
        if self.happens(self, node, prepared):
            return f"never {len(self.sent)}"
        return super().send(node, prepared, own, timeout)

    def answered(self, node: int, content: Content) -> Content:
        # Node 11 is node 1 started again, and so on.
        return super().answered(node % 10, content)


def troubled(
    happens: Callable[[Troubled, int, Content], bool], count: int = 3, **settings: Any
) -> Troubled:
    chosen = Settings(to_toml(EXPERIMENT), **{"grace": 0.0, "timeout": 60.0} | settings)
    return Troubled(chosen, [{}] * count, happens)


@pytest.fixture(autouse=True)
def _asked_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "PAUSE", 0.0)


def in_round(content: Content, number: int) -> bool:
    return content.kind == "fit" and content.values["round"] == number


def test_nodes_give_the_digest_of_the_simulator() -> None:
    nodes = troubled(lambda *_: False)
    assert nodes.serve().digest == tifed.run(EXPERIMENT).digest
    kinds = [kind for _, kind in nodes.sent]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "hello": 3, "calibrate": 3, "fit": 12,
    }  # fmt: skip


def test_a_node_that_leaves_is_asked_no_more_and_one_of_its_site_does_its_work() -> None:
    def happens(nodes: Troubled, node: int, content: Content) -> bool:
        if in_round(content, 1) and node == 2:
            nodes.there -= {2}
            nodes.there |= {12}
            return True
        return False

    nodes = troubled(happens)
    log: list[str] = []
    assert nodes.serve(log.append).digest == tifed.run(EXPERIMENT).digest
    assert "node 2 has left; devices 2-3 have no node" in log
    assert "node 12 of site ours hosts devices 2-3" in log
    assert (12, "fit") in nodes.sent


def test_devices_whose_node_is_lost_are_lost_to_one_exchange_and_used_again(tmp_path: Any) -> None:
    def happens(nodes: Troubled, node: int, content: Content) -> bool:
        if in_round(content, 1) and node == 2:
            nodes.there -= {2}
            return True
        if in_round(content, 2) and node == 1:
            nodes.there |= {12}
        return False

    nodes = troubled(happens, out=str(tmp_path / "run"))
    log: list[str] = []
    nodes.serve(log.append)
    answered = [row["answered"] for row in RunFolder(tmp_path / "run").read_metrics(9)]
    assert answered == ["6", "4", "4", "6"]
    assert any("no answer of devices 2-3" in line for line in log)


def test_a_node_that_refuses_is_asked_as_often_as_the_settings_say() -> None:
    class Refusing(Troubled):
        def answered(self, node: int, content: Content) -> Content:
            if in_round(content, 1) and node == 3:
                return refusal(NAME, "not today")
            return super().answered(node, content)

    made = troubled(lambda *_: False, attempts=3)
    nodes = Refusing(made.settings, made.configurations, made.happens)
    log: list[str] = []
    nodes.serve(log.append)
    reason = "round 2, exchange 1: reply of node 3 dropped: it refused: not today"
    assert log.count(reason) == 3
    assert sum(sent == (3, "fit") for sent in nodes.sent) == 3 + 3


def test_a_node_that_dies_of_its_work_each_time_holds_up_no_run() -> None:
    """Its service manager starts it again, as another node."""

    def happens(nodes: Troubled, node: int, content: Content) -> bool:
        if in_round(content, 1) and node % 10 == 3:
            assert len(nodes.sent) < 100
            nodes.there ^= {node, node + 10}
            return True
        return False

    nodes = troubled(happens, attempts=3)
    log: list[str] = []
    nodes.serve(log.append)
    assert log.count("round 2, exchange 1: no answer of devices 4-5") == 1
    fits = [node for node, kind in nodes.sent if kind == "fit" and node % 10 == 3]
    assert fits == [3, 3, 13, 23, 33, 33]


def test_a_late_answer_is_waited_for_no_longer_than_the_settings_say() -> None:
    nodes = troubled(
        lambda _, node, content: in_round(content, 1) and node == 3, timeout=0.2, attempts=1
    )
    log: list[str] = []
    nodes.serve(log.append)
    assert "round 2, exchange 1: reply of node 3 dropped: it did not come in 0.2 s" in log
    assert "round 2, exchange 1: no answer of devices 4-5" in log


def test_whoever_stops_a_run_does_not_wait_for_its_nodes() -> None:
    stop = threading.Event()

    def happens(nodes: Troubled, node: int, content: Content) -> bool:
        if in_round(content, 1):
            stop.set()
            return True
        return False

    nodes = troubled(happens)
    with pytest.raises(RunError, match="stopped before the end"):
        run.serve(nodes, nodes.settings, "nodes.log", print, stop=stop)


def test_without_any_node_a_run_ends() -> None:
    def happens(nodes: Troubled, node: int, content: Content) -> bool:
        if not in_round(content, 1):
            return False
        nodes.there.clear()
        return True

    with pytest.raises(RunError, match="no node is left"):
        troubled(happens).serve()


def test_an_experiment_that_the_owner_has_not_accepted_has_nothing_forgotten() -> None:
    pytest.importorskip("cryptography", reason="needs pip install 'tifed[privacy]'")
    from tifed.nodes.messages.masked import keys_from, keys_message

    masked = Experiment(devices=3, rounds=1, privacy={"secure_aggregation": True})
    other = Experiment(devices=3, rounds=1, own_data=True)
    nodes = Residents(Settings(to_toml(masked)), [{}])
    asked, own = keys_message(identity(masked), bytes(16)), {"devices": to_ranges(np.arange(3))}
    keys = keys_from(nodes.asked(1, asked, own))
    refused = nodes.nodes[0].answer(
        replace(nodes.request(message("hello", identity(other), {})), experiment=to_toml(other))
    )
    assert "has not accepted" in refused.values["refused"]
    assert keys_from(nodes.asked(1, asked, own)) == keys
