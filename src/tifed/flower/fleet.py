"""A fleet whose devices sit behind Flower nodes."""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from flwr.app import Message, RecordDict
from flwr.serverapp import Grid

from tifed.errors import RunError
from tifed.federation import DeviceScore, FeatureSums, Federation, Plan, Update
from tifed.flower.check import checked_scores, checked_sums, checked_update
from tifed.flower.devices import text, to_ranges
from tifed.flower.format import (
    Content,
    MessageError,
    pack,
    pack_plan,
    parameter_arrays,
    unpack,
    why,
)
from tifed.flower.roster import LOOK_EVERY, Roster
from tifed.flower.settings import Settings
from tifed.network import Parameters

FIRST_PAUSE, LONGEST_PAUSE = 0.005, 0.25
"""Seconds between two looks for replies; the pause grows with the time already waited."""

Answer = TypeVar("Answer")


@dataclass
class FlowerFleet:
    """Sends each node its devices' work in one message and takes one partial sum back.

    Whatever goes wrong at a node costs at most its devices' updates of that exchange, and is
    logged.

    Attributes:
        grid: Flower's way to the nodes.
        federation: the run's constants.
        experiment: digest of the experiment.
        data: digest of the data set.
        settings: time limits and attempts.
        stop: set from outside to give up.
        log: told of everything that is noticed.
    """

    grid: Grid
    federation: Federation
    experiment: str
    data: str
    settings: Settings
    stop: threading.Event = field(default_factory=threading.Event)
    log: Callable[[str], None] = logging.getLogger("tifed.flower").info

    def __post_init__(self) -> None:
        self._roster = Roster(
            self.grid, self.federation, self.experiment, self.data, self.settings.timeout, self.log
        )
        self._given_up: set[int] = set()

    def calibrate(self, devices: Sequence[int], samples: int) -> Iterator[FeatureSums]:
        """Feature sums, one per node."""

        def ask(own: Sequence[int]) -> RecordDict:
            arrays = {"devices": to_ranges(own)}
            return pack("calibrate", self.experiment, arrays, samples=samples)

        def accept(content: Content, own: Sequence[int]) -> FeatureSums:
            _, sums = checked_sums(content, self.federation, set(own), samples)
            return sums

        return self._exchange("calibrate", "query", "calibration", devices, ask, accept)

    def fit(self, plan: Plan, parameters: Parameters) -> Iterator[Update]:
        """The sums of the devices in ``plan``, one per node."""
        jobs = {job.device: job for job in plan.jobs}

        def ask(own: Sequence[int]) -> RecordDict:
            return pack_plan(self.experiment, plan, [jobs[device] for device in own], parameters)

        def accept(content: Content, own: Sequence[int]) -> Update:
            return checked_update(content, self.federation, plan, [jobs[d] for d in own])

        name = f"round {plan.round + 1}, exchange {plan.exchange}"
        yield from self._exchange("fit", "train", name, jobs, ask, accept)
        if jobs and not self._roster.host:
            # Going on would use up the devices' samples for nothing.
            raise RunError("no node is left; go on with the run when there are some")

    def evaluate(self, parameters: Parameters) -> Iterator[DeviceScore]:
        """Scores of all devices whose nodes answer."""

        def ask(own: Sequence[int]) -> RecordDict:
            return pack("evaluate", self.experiment, parameter_arrays(parameters))

        def accept(content: Content, own: Sequence[int]) -> list[DeviceScore]:
            return checked_scores(content, self.federation, set(own))

        every = range(self.federation.devices)
        answers = self._exchange("evaluate", "evaluate", "evaluation", every, ask, accept)
        # In the order of devices, whatever the order of replies: it goes to a file.
        scores = [score for some in answers for score in some]
        return iter(sorted(scores, key=lambda score: score.device))

    def close(self) -> None:
        """Give up waiting."""
        self.stop.set()

    def _exchange(
        self,
        kind: str,
        message_type: str,
        name: str,
        devices: Collection[int],
        ask: Callable[[Sequence[int]], RecordDict],
        accept: Callable[[Content, Sequence[int]], Answer],
    ) -> Iterator[Answer]:
        """Ask the nodes of ``devices``, and again those that fail, until all have answered.

        Args:
            kind: of the messages.
            message_type: Flower's word for it.
            name: for the log.
            devices: whose answers are wanted.
            ask: from a node's devices to its message.
            accept: from a reply and the devices it was asked for to the answer.

        Yields:
            Answers in the order in which they come; none for devices that are lost.
        """
        idle = set(devices)
        waiting: dict[str, _Asked] = {}
        tries: dict[int, _Tries] = defaultdict(_Tries)
        began = time.monotonic()
        while idle or waiting:
            if self.stop.is_set():
                raise RunError("stopped before the end")
            if self._roster.look():
                self._withdraw(waiting, idle)
            self._send(idle, waiting, tries, message_type, ask)
            for asked, reply in self._replies(waiting):
                try:
                    if reply is None:
                        raise MessageError(f"did not come in {self.settings.timeout:g} s")
                    if (error := why(reply)) is not None:
                        raise MessageError(f"failed: {error}")
                    answer = accept(unpack(reply.content, kind, self.experiment), asked.devices)
                except MessageError as reason:
                    self.log(f"{name}: reply of node {asked.node} dropped: it {reason}")
                    idle.update(asked.devices)
                    # The roster may have noticed by then that the node is gone.
                    tries[asked.node].not_before = time.monotonic() + 2 * LOOK_EVERY
                else:
                    yield answer
            waited = time.monotonic() - began
            if idle and not waiting:
                lost = self._lost(idle, tries, waited)
                if lost:
                    self.log(f"{name}: no answer of devices {text(lost)}")
                    idle -= lost
            if idle or waiting:
                self.stop.wait(min(LONGEST_PAUSE, FIRST_PAUSE + waited / 20))

    def _withdraw(self, waiting: dict[str, "_Asked"], idle: set[int]) -> None:
        """Wait no longer for nodes whose devices another node hosts now, or none."""
        for message, asked in list(waiting.items()):
            if not all(self._roster.host.get(device) == asked.node for device in asked.devices):
                del waiting[message]
                idle.update(asked.devices)

    def _send(
        self,
        idle: set[int],
        waiting: dict[str, "_Asked"],
        tries: dict[int, "_Tries"],
        message_type: str,
        ask: Callable[[Sequence[int]], RecordDict],
    ) -> None:
        """Send work for every idle device whose node may be asked."""
        now, timeout = time.monotonic(), self.settings.timeout
        by_node: dict[int, list[int]] = {}
        for device in sorted(idle):
            node = self._roster.host.get(device)
            if node is not None:
                by_node.setdefault(node, []).append(device)
        for node, own in by_node.items():
            if tries[node].count >= self.settings.attempts or now < tries[node].not_before:
                continue
            message = Message(ask(own), node, message_type, ttl=timeout)
            names = [name for name in self.grid.push_messages([message]) if name]
            tries[node].count += 1
            tries[node].not_before = now + 2 * LOOK_EVERY
            for name in names:
                waiting[name] = _Asked(node, own, now + timeout)
                idle.difference_update(own)
                self._given_up.difference_update(own)

    def _replies(self, waiting: dict[str, "_Asked"]) -> Iterator[tuple["_Asked", Message | None]]:
        """Replies that have come, and None for those that are late."""
        if waiting:
            for message in self.grid.pull_messages(list(waiting)):
                asked = waiting.pop(message.metadata.reply_to_message_id, None)
                if asked is not None:
                    yield asked, message
        now = time.monotonic()
        for name in [name for name, asked in waiting.items() if asked.until < now]:
            yield waiting.pop(name), None

    def _lost(self, idle: set[int], tries: dict[int, "_Tries"], waited: float) -> set[int]:
        """The devices whose answers will not come."""
        lost = set()
        for device in idle:
            node = self._roster.host.get(device)
            if node is None:
                late = waited >= self.settings.grace and not self._roster.asking
                if late or device in self._given_up:
                    lost.add(device)
                    # Waited for once; from now on it is used when it comes again.
                    self._given_up.add(device)
            elif tries[node].count >= self.settings.attempts:
                lost.add(device)
        return lost


@dataclass(frozen=True)
class _Asked:
    """A message that was sent: to which node, for which devices, and how long it may take."""

    node: int
    devices: list[int]
    until: float


@dataclass
class _Tries:
    """How often a node was sent work in this exchange, and when it may be again."""

    count: int = 0
    not_before: float = 0.0
