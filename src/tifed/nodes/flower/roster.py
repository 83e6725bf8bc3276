"""Who hosts which devices: nodes come and go, and are asked."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from flwr.app import Message, RecordDict
from flwr.serverapp import Grid
from numpy.typing import NDArray

from tifed.federation import Federation
from tifed.nodes.flower.format import pack, unpack, why
from tifed.nodes.messages import Content, MessageError, message
from tifed.nodes.messages.device_ranges import from_ranges, text

LOOK_EVERY = 2.0
"""Seconds between two looks at who is there."""
NOBODY = np.uint64(0)
"""In place of a node's number; Flower gives no node this one."""


@dataclass
class Roster:
    """The nodes that a run may use.

    Flower's node numbers are random: devices are known by what their node says it hosts. If two
    nodes say that they host a device, it is the later one's: a node that was started again has a
    new number while Flower still counts the old one as there.

    Attributes:
        grid: Flower's way to the nodes.
        federation: the run's constants.
        experiment: digest of the experiment.
        data: digest of the data set.
        timeout: seconds a node has to say what it hosts.
        log: told of everything that is noticed.
        host: uint64 (devices,), the node that hosts each, or `NOBODY`.
    """

    grid: Grid
    federation: Federation
    experiment: str
    data: str
    timeout: float
    log: Callable[[str], None]
    host: NDArray[np.uint64] = field(init=False)
    _present: set[int] = field(default_factory=set)
    _asked: dict[str, tuple[int, float]] = field(default_factory=dict)
    _looked: float = float("-inf")
    _version: int = 0

    def __post_init__(self) -> None:
        self.host = np.full(self.federation.devices, NOBODY, np.uint64)

    @property
    def asking(self) -> bool:
        """Whether a node has yet to say what it hosts."""
        return bool(self._asked)

    def look(self) -> bool:
        """Notice who has come and gone, without waiting; whether a device has another node now."""
        version = self._version
        now = time.monotonic()
        if now - self._looked >= LOOK_EVERY:
            self._looked = now
            present = set(self.grid.get_node_ids())
            for node in sorted(self._present - present):
                self.forget(node, "has left")
            self._ask(sorted(present - self._present))
            self._present = present
        if self._asked:
            self._listen(now)
        return version != self._version

    def forget(self, node: int, why: str) -> None:
        """Give ``node`` no more work until it comes again."""
        own = np.flatnonzero(self.host == node)
        if len(own):
            self.log(f"node {node} {why}; devices {text(own)} have no node")
            self.host[own] = NOBODY
            self._version += 1

    def _ask(self, nodes: list[int]) -> None:
        """Ask nodes what they host."""
        until = time.monotonic() + self.timeout
        for node in nodes:
            request = pack(message("hello", self.experiment, {}))
            sent = Message(request, node, "query", ttl=self.timeout, group_id="hello")
            for name in self.grid.push_messages([sent]):
                if name:
                    self._asked[name] = (node, until)

    def _listen(self, now: float) -> None:
        """Take in the answers that are there."""
        for reply in self.grid.pull_messages(list(self._asked)):
            node, _ = self._asked.pop(reply.metadata.reply_to_message_id, (None, 0.0))
            if node is None:
                continue
            try:
                if (error := why(reply)) is not None:
                    raise MessageError(f"failed: {error}")
                self._enter(node, reply.content)
            except MessageError as reason:
                self.log(f"node {node} dropped: it {reason}")
        for name in [name for name, (_, until) in self._asked.items() if until < now]:
            node, _ = self._asked.pop(name)
            self.log(f"node {node} dropped: no answer in {self.timeout:g} s")

    def _enter(self, node: int, answer: RecordDict) -> None:
        """Believe ``node`` that it hosts what it says."""
        content: Content = unpack(answer, "hello", self.experiment)
        if content.values.get("data") != self.data:
            raise MessageError(
                "has other data than the server, or deals them to devices in another way"
            )
        try:
            ranges = content.array("devices", np.int64, (None, 2))
            devices = from_ranges(ranges, self.federation.devices)
        except ValueError as error:
            raise MessageError(str(error)) from error
        before = self.host[devices]
        for old in np.unique(before[before != NOBODY]):
            taken = devices[before == old]
            self.log(f"node {node} takes devices {text(taken)} over from node {old}")
        self.host[devices] = node
        self._version += 1
        self.log(f"node {node} hosts devices {text(devices)}")
