"""Nodes in this process, which answer as soon as they are asked: for tests of what serves a run."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import tifed
from tifed.nodes.messages.content import Arrays, Content
from tifed.nodes.messages.encoding import content_from_bytes, content_to_bytes
from tifed.nodes.node import Node, Request
from tifed.nodes.resident import ResidentNode
from tifed.nodes.serving import run
from tifed.nodes.serving.settings import Settings


@dataclass(frozen=True)
class Said:
    """A reply, as bytes."""

    data: bytes

    def content(self, kind: str | None, experiment: str) -> Content:
        return content_from_bytes(self.data, kind, experiment)


@dataclass
class Direct:
    """A way to nodes whose messages are bytes on their way; what they say is for a subclass."""

    look_every: float = field(default=0.0, init=False)
    _replies: dict[str, Said] = field(default_factory=dict, init=False)
    _count: int = field(default=0, init=False)

    def present(self) -> dict[int, str]:
        raise NotImplementedError

    def answered(self, node: int, content: Content) -> Content:
        raise NotImplementedError

    def prepare(self, content: Content) -> Content:
        return content

    def send(self, node: int, prepared: Content, own: Arrays, timeout: float) -> str | None:
        del timeout
        self._count += 1
        data = content_to_bytes(prepared, own)
        asked = content_from_bytes(data, None, str(prepared.values["experiment"]))
        ticket = f"message {self._count}"
        self._replies[ticket] = Said(content_to_bytes(self.answered(node, asked)))
        return ticket

    def replies(self, tickets: Sequence[str]) -> Iterator[tuple[str, Said]]:
        for ticket in tickets:
            if ticket in self._replies:
                yield ticket, self._replies.pop(ticket)

    def wait(self, seconds: float, stop: threading.Event) -> None:
        stop.wait(seconds)


@dataclass
class Residents(Direct):
    """Resident nodes with equal parts of the devices; node 1 has the first part.

    Attributes:
        settings: of the run.
        configurations: what is in each node's configuration beside its part.
    """

    settings: Settings
    configurations: list[dict[str, Any]]
    nodes: list[ResidentNode] = field(init=False)

    def __post_init__(self) -> None:
        self.nodes = [self.started(place) for place in range(len(self.configurations))]

    def started(self, place: int) -> ResidentNode:
        part = {"partition-id": place, "num-partitions": len(self.configurations)}
        return ResidentNode(Node.from_config(part | self.configurations[place]))

    def present(self) -> dict[int, str]:
        return dict.fromkeys(range(1, 1 + len(self.nodes)), "")

    def answered(self, node: int, content: Content) -> Content:
        return self.nodes[node - 1].answer(self.request(content))

    def request(self, content: Content) -> Request:
        return Request(self.settings.experiment, content, self.settings.timeout)

    def asked(self, node: int, content: Content, own: Arrays | None = None) -> Content:
        """One message by hand; what is said is of its kind, else there is an error."""
        head = str(content.values["experiment"])
        ticket = self.send(node, content, own or {}, 0.0)
        assert ticket is not None
        return self._replies.pop(ticket).content(content.kind, head)

    def serve(self, log: Callable[[str], None] = print) -> tifed.Result:
        return run.serve(self, self.settings, "nodes.log", log)
