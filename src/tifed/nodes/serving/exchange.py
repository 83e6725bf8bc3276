"""One exchange with all nodes of some devices: sent, waited for, repeated, given up."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from tifed.errors import RunError
from tifed.federation import Federation
from tifed.nodes.messages.content import Arrays, Content, MessageError
from tifed.nodes.messages.device_ranges import text
from tifed.nodes.serving.pace import Pace
from tifed.nodes.serving.roster import NOBODY, Roster
from tifed.nodes.serving.settings import Settings
from tifed.nodes.serving.transport import Received, Transport
from tifed.rule.integer.rounding import Integers

Answer = TypeVar("Answer")
Flags = NDArray[np.bool_]
"""One per device."""
PAUSE = 4.0
"""Seconds until a node that could not answer is asked again: it may leave, or be back by then."""


@dataclass
class Exchanges:
    """Sends each node its devices' work in one message and takes one answer back.

    Whatever goes wrong at a node costs at most its devices' answers in that exchange, and is
    logged.

    Attributes:
        transport: the way to the nodes.
        federation: the run's constants.
        experiment: digest of the experiment.
        data: digest of the data set.
        settings: time limits and attempts.
        stop: set from outside to give up.
        log: told of everything that is noticed.
    """

    transport: Transport
    federation: Federation
    experiment: str
    data: str
    settings: Settings
    stop: threading.Event = field(default_factory=threading.Event)
    log: Callable[[str], None] = logging.getLogger("tifed.nodes.serving").info

    def __post_init__(self) -> None:
        self._roster = Roster(
            self.transport, self.federation, self.experiment, self.data, self.settings.timeout,
            self.log, self.settings.sites,
        )  # fmt: skip
        self._given_up = np.zeros(self.federation.devices, bool)

    @property
    def deserted(self) -> bool:
        """Whether no node is left."""
        return not (self._roster.host != NOBODY).any()

    def exchange(
        self,
        name: str,
        devices: Integers,
        request: Content,
        ask: Callable[[Integers], Arrays],
        accept: Callable[[Content, Integers], Answer],
        lose: Callable[[Integers], Answer] | None = None,
        again: Callable[[Integers], None] | None = None,
    ) -> Iterator[Answer]:
        """Ask the nodes of ``devices``, and again those that fail, until all have answered.

        Args:
            name: for the log.
            devices: whose answers are wanted.
            request: what every node is sent.
            ask: from a node's devices to the arrays that it gets besides.
            accept: from a reply and the devices it was asked for to the answer.
            lose: from devices that are lost to what stands in for their answer, if anything does.
            again: told of devices before their node, or another one, is sent their work once more.

        Yields:
            Answers in the order in which they come.
        """
        idle = np.zeros(self.federation.devices, bool)
        idle[devices] = True
        sent = np.zeros_like(idle)
        prepared = self.transport.prepare(request)
        waiting: dict[str, _Asked] = {}
        tries = _Tries.of(self.federation.devices)
        pace = Pace()
        while waiting or idle.any():
            if self.stop.is_set():
                raise RunError("stopped before the end")
            if self._roster.look():
                self._withdraw(waiting, idle)
            for node, own in self._due(idle, tries):
                if again is not None and sent[own].any():
                    again(own[sent[own]])
                sent[own] = True
                self._send(node, own, idle, waiting, tries, prepared, ask)
            for asked, reply in self._replies(waiting):
                pace.came()
                try:
                    if reply is None:
                        raise MessageError(f"did not come in {self.settings.timeout:g} s")
                    content = reply.content(request.kind, self.experiment)
                    answer = accept(content, asked.devices)
                except MessageError as reason:
                    self.log(f"{name}: reply of node {asked.node} dropped: it {reason}")
                    idle[asked.devices] = True
                    tries.not_before[asked.devices] = time.monotonic() + PAUSE
                else:
                    yield answer
            if not waiting and idle.any():
                lost = self._lost(idle, tries, pace.waited)
                if len(lost):
                    self.log(f"{name}: no answer of devices {text(lost)}")
                    idle[lost] = False
                    if lose is not None:
                        yield lose(lost)
            if waiting or idle.any():
                self.transport.wait(pace.pause(len(waiting)), self.stop)

    def _withdraw(self, waiting: dict[str, "_Asked"], idle: Flags) -> None:
        """Wait no longer for nodes whose devices another node hosts now, or none."""
        for name, asked in list(waiting.items()):
            if (self._roster.host[asked.devices] != asked.node).any():
                del waiting[name]
                idle[asked.devices] = True

    def _due(self, idle: Flags, tries: "_Tries") -> Iterator[tuple[int, Integers]]:
        """Nodes that may be asked now, with those of their devices that are idle."""
        now = time.monotonic()
        for node, own in self._by_node(idle & (tries.count < self.settings.attempts)):
            if now >= tries.not_before[own].max():
                yield node, own

    def _send(
        self,
        node: int,
        own: Integers,
        idle: Flags,
        waiting: dict[str, "_Asked"],
        tries: "_Tries",
        prepared: Any,
        ask: Callable[[Integers], Arrays],
    ) -> None:
        """Send work for ``own``, which are idle, to their node."""
        now, timeout = time.monotonic(), self.settings.timeout
        ticket = self.transport.send(node, prepared, ask(own), timeout)
        tries.count[own] += 1
        tries.not_before[own] = now + PAUSE
        if ticket is not None:
            waiting[ticket] = _Asked(node, own, now + timeout)
            idle[own] = False
            self._given_up[own] = False

    def _by_node(self, idle: Flags) -> Iterator[tuple[int, Integers]]:
        """Nodes with those of their devices that are idle, ascending."""
        devices = np.flatnonzero(idle & (self._roster.host != NOBODY))
        hosts = self._roster.host[devices]
        order = np.argsort(hosts, kind="stable")
        devices, hosts = devices[order], hosts[order]
        starts = np.flatnonzero(np.diff(hosts)) + 1
        for own in np.split(devices, starts) if len(devices) else ():
            yield int(self._roster.host[own[0]]), own

    def _replies(self, waiting: dict[str, "_Asked"]) -> Iterator[tuple["_Asked", Received | None]]:
        """Replies that have come, and None for those that are late."""
        if waiting:
            for ticket, reply in self.transport.replies(list(waiting)):
                asked = waiting.pop(ticket, None)
                if asked is not None:
                    yield asked, reply
        now = time.monotonic()
        for name in [name for name, asked in waiting.items() if asked.until < now]:
            yield waiting.pop(name), None

    def _lost(self, idle: Flags, tries: "_Tries", waited: float) -> Integers:
        """The devices whose answers will not come."""
        late = waited >= self.settings.grace and not self._roster.asking
        gone = self._roster.host == NOBODY
        lost = idle & gone & (late | self._given_up)
        # Waited for once; from now on they are used when they come again.
        self._given_up |= lost
        return np.flatnonzero(lost | idle & ~gone & (tries.count >= self.settings.attempts))


@dataclass(frozen=True)
class _Asked:
    """A message that was sent: to which node, for which devices, and how long it may take."""

    node: int
    devices: Integers
    until: float


@dataclass(frozen=True)
class _Tries:
    """How often the work of each device was sent in this exchange, and when it may be again.

    Not that of each node: a program that dies of its work, and is started again each time, is
    another node then.

    Attributes:
        count: int64 (devices,).
        not_before: float64 (devices,), seconds of the clock.
    """

    count: Integers
    not_before: NDArray[np.float64]

    @classmethod
    def of(cls, devices: int) -> Self:
        """Nothing was sent yet."""
        return cls(np.zeros(devices, np.int64), np.zeros(devices))
