"""Flower's grid as the way to the nodes of a run."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("flwr", reason="needs Flower: pip install 'tifed[flower]'")

from flwr.app import Error, Message
from flwr.supercore.task_identity import TaskIdentity

from tifed.nodes.flower.format import pack, unpack
from tifed.nodes.flower.grid import GridTransport
from tifed.nodes.messages.content import MessageError, message, refusal


@pytest.fixture(autouse=True)
def in_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Flower lets messages be made within one of its servers' processes alone."""
    for name in ("_task_id", "_run_id", "_node_id"):
        monkeypatch.setattr(TaskIdentity, name, 1)


@dataclass
class Grid:
    """Takes messages to node 1 alone, and brings the replies that it is given."""

    sent: list[Message] = field(default_factory=list)
    said: dict[str, Message] = field(default_factory=dict)

    def get_node_ids(self) -> list[int]:
        return [1, 2]

    def push_messages(self, messages: Any) -> list[str]:
        self.sent += messages
        return ["ticket" if one.metadata.dst_node_id == 1 else "" for one in messages]

    def pull_messages(self, tickets: Any) -> list[Message]:
        return [self.said[one] for one in tickets if one in self.said]


class Deployed(Grid):
    """A deployment's grid knows the keys of its nodes."""

    def get_nodes(self) -> list[Any]:
        named = [(1, "ours\x1b", b"key"), (2, "", b"key"), (3, "", b"")]
        return [SimpleNamespace(node_id=n, name=m, public_key=k) for n, m, k in named]


def transport(grid: Any) -> GridTransport:
    return GridTransport(grid)


def test_a_node_is_of_the_site_that_its_key_is_registered_for() -> None:
    assert transport(Grid()).present() == {1: "", 2: ""}
    found = transport(Deployed()).present()
    assert found == {1: "ours ", 2: "key 2c70e12b7a0646f9", 3: ""}


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("hello", "query"), ("keys", "query"), ("masked-calibrate", "query"), ("fit", "train"),
        ("masked-fit", "train"), ("personalise", "train"), ("evaluate", "evaluate"),
    ],
)  # fmt: skip
def test_a_message_is_what_flower_calls_it(kind: str, word: str) -> None:
    grid = Grid()
    way, own = transport(grid), {"jobs": np.zeros((1, 7), np.int64)}
    prepared = way.prepare(message(kind, "it", {"a": np.arange(3)}))
    assert way.send(1, prepared, own, 60.0) == "ticket"
    assert way.send(2, prepared, {}, 60.0) is None
    first, second = grid.sent
    assert (first.metadata.message_type, first.metadata.ttl) == (word, 60.0)
    assert unpack(first.content, kind, "it").arrays.keys() == {"a", "jobs"}
    assert first.content["tifed"] is second.content["tifed"]


def test_replies_are_read_and_errors_of_flower_told() -> None:
    grid = Grid()
    way = transport(grid)
    way.send(1, way.prepare(message("fit", "it", {})), {}, 60.0)
    (asked,) = grid.sent
    for ticket, said in (
        ("fine", Message(pack(message("fit", "it", {})), reply_to=asked)),
        ("refused", Message(pack(refusal("it", "no")), reply_to=asked)),
        ("failed", Message(Error(1, "node is gone"), reply_to=asked)),
    ):
        said.metadata.__dict__["_reply_to_message_id"] = ticket
        grid.said[ticket] = said
    replies = dict(way.replies(["fine", "refused", "failed", "later"]))
    assert replies.keys() == {"fine", "refused", "failed"}
    assert replies["fine"].content("fit", "it").kind == "fit"
    with pytest.raises(MessageError, match="^refused: no$"):
        replies["refused"].content("fit", "it")
    with pytest.raises(MessageError, match="^failed: node is gone$"):
        replies["failed"].content("fit", "it")
