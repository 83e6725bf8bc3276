"""Who hosts which devices: nodes come and go, and are asked."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tifed.federation import Federation
from tifed.nodes.messages import Content, MessageError, message
from tifed.nodes.messages.device_ranges import from_ranges, text
from tifed.nodes.serving.sites import Sites
from tifed.nodes.serving.transport import Transport

NOBODY = np.uint64(0)
"""In place of a node's number; no node has this one."""


@dataclass
class Roster:
    """The nodes that a run may use.

    A node's number says nothing: devices are known by what their node says it hosts. A node may say
    so of devices that its site is bound to, and that no other site's node hosts: nobody takes
    devices away from a node that is there. Only a node of the same site does, for one that was
    started again has a new number while the old one may still count as there.

    Attributes:
        transport: the way to the nodes.
        federation: the run's constants.
        experiment: digest of the experiment.
        data: digest of the data set.
        timeout: seconds a node has to say what it hosts.
        log: told of everything that is noticed.
        sites: which devices each site may host.
        host: uint64 (devices,), the node that hosts each, or `NOBODY`.
    """

    transport: Transport
    federation: Federation
    experiment: str
    data: str
    timeout: float
    log: Callable[[str], None]
    sites: Sites = field(default_factory=lambda: Sites({}))
    host: NDArray[np.uint64] = field(init=False)
    _present: dict[int, str] = field(default_factory=dict)
    _refused: set[int] = field(default_factory=set)
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
        if now - self._looked >= self.transport.look_every:
            self._looked = now
            before, self._present = self._present, dict(self.transport.present())
            for node in sorted(before.keys() - self._present.keys()):
                self.forget(node, "has left")
            self._ask(sorted(self._present.keys() - before.keys()))
        if self._asked:
            self._listen(now)
        return version != self._version

    def forget(self, node: int, why: str) -> None:
        """Give ``node`` no more work until it comes again."""
        self._refused.discard(node)
        own = np.flatnonzero(self.host == node)
        if len(own):
            self.log(f"node {node} {why}; devices {text(own)} have no node")
            self.host[own] = NOBODY
            self._version += 1
            # Who wanted some of them, and came too early, may have them now.
            waiting, self._refused = self._refused & self._present.keys(), set()
            self._ask(sorted(waiting))

    def _ask(self, nodes: list[int]) -> None:
        """Ask nodes what they host."""
        until = time.monotonic() + self.timeout
        request = self.transport.prepare(message("hello", self.experiment, {}))
        for node in nodes:
            ticket = self.transport.send(node, request, {}, self.timeout)
            if ticket is not None:
                self._asked[ticket] = (node, until)

    def _listen(self, now: float) -> None:
        """Take in the answers that are there."""
        for ticket, reply in self.transport.replies(list(self._asked)):
            node, _ = self._asked.pop(ticket, (None, 0.0))
            if node is None:
                continue
            try:
                self._enter(node, reply.content("hello", self.experiment))
            except MessageError as reason:
                self.log(f"node {node} dropped: it {reason}")
        for late in [ticket for ticket, (_, until) in self._asked.items() if until < now]:
            node, _ = self._asked.pop(late)
            self.log(f"node {node} dropped: no answer in {self.timeout:g} s")

    def _enter(self, node: int, content: Content) -> None:
        """Have ``node`` host what it says, if it may.

        Raises:
            MessageError: if it may not, or says nothing of use.
        """
        if content.values.get("data") != self.data:
            raise MessageError(
                "has other data than the server, or deals them to devices in another way"
            )
        try:
            ranges = content.array("devices", np.int64, (None, 2))
            devices = from_ranges(ranges, self.federation.devices)
        except ValueError as error:
            raise MessageError(str(error)) from error
        site = self._present.get(node, "")
        if len(strangers := self.sites.strangers(site, devices)):
            raise MessageError(
                f"wants devices {text(strangers)}, to which its site {site or 'without a name'} is "
                f"not bound ({self.sites})"
            )
        before = self.host[devices]
        others = [int(other) for other in np.unique(before[(before != NOBODY) & (before != node)])]
        for other in others:
            if not site or self._present.get(other) != site:
                self._refused.add(node)
                raise MessageError(
                    f"wants devices {text(devices[before == other])}, which node {other} hosts "
                    "and is there; it is asked again when that one has left"
                )
        for other in others:
            taken = devices[before == other]
            self.log(f"node {node} takes devices {text(taken)} over from node {other}, of its site")
        self.host[devices] = node
        self._version += 1
        name = f" of site {site}" if site else ""
        self.log(f"node {node}{name} hosts devices {text(devices)}")
