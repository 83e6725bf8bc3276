"""The server's way to resident nodes: who is there, what is shared, work and answers."""

import json
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from tifed.errors import RunError, UsageError
from tifed.nodes.messages.content import Arrays, Content, MessageError
from tifed.nodes.messages.encoding import content_from_bytes, content_to_bytes
from tifed.nodes.mqtt import topics
from tifed.nodes.mqtt.connection import SESSION_BYTES, Broker, Connection, Heard
from tifed.nodes.mqtt.pieces import NAME_BYTES, Pieces, name_in, name_of
from tifed.nodes.mqtt.rights import SERVER
from tifed.nodes.mqtt.tasks import run_bytes, work_bytes
from tifed.printable import printable

INLINE = 2048
"""Bytes of arrays up to which what all nodes get alike is sent to each of them."""
UNCONFIRMED = 15.0
"""Seconds that nodes have to say again that they are there, when a broker has forgotten them."""

AGAIN_EVERY = 1.0
"""Seconds between two times that a node gets again what it has not answered. It says in a few bytes
that it is there, and what it gets then may be long."""


@dataclass(frozen=True)
class Reply:
    """One answer as it came."""

    data: bytes

    def content(self, kind: str | None, experiment: str) -> Content:
        """What it says.

        Raises:
            MessageError: if it cannot be read, or `check_head` refuses it.
        """
        return content_from_bytes(self.data, kind, experiment)


@dataclass
class _Site:
    """A site of which a node is there.

    Attributes:
        number: of its node.
        session: of its node.
        until: when it is gone if it does not say before that it is there.
        again: whether it is to get again what it has not answered.
        not_before: when it may.
    """

    number: int
    session: str
    until: float = float("inf")
    again: bool = False
    not_before: float = 0.0


@dataclass(frozen=True)
class _Asked:
    """Work that is not answered yet."""

    site: str
    number: int
    data: bytes
    until: float


class MqttTransport:
    """See `tifed.nodes.serving.transport.Transport`; a context manager, for it has a connection."""

    look_every = 0.0
    """The broker says who comes and goes."""

    def __init__(
        self, broker: Broker, experiment: str, timeout: float, log: Callable[[str], None]
    ) -> None:
        """Nothing is opened yet.

        Args:
            broker: how to reach it.
            experiment: as TOML, resolved.
            timeout: seconds that a node has for one message.
            log: told of messages that are dropped.

        Raises:
            UsageError: if the private file is not the server's.
        """
        if broker.name != SERVER:
            raise UsageError(f"--tls: {broker.tls} is of {broker.name}, not of the {SERVER}")
        self._run = run_bytes(experiment, timeout)
        self._log = log
        # Guards everything below: the connection's thread writes, the run's thread reads.
        self._changed = threading.Condition()
        self._news = False
        self._sites: dict[str, _Site] = {}
        self._numbers = 0
        self._asked: dict[str, _Asked] = {}
        self._came: dict[str, tuple[float, Reply]] = {}
        self._pieces: dict[str, Pieces] = {}
        self._shared: dict[str, tuple[bytes, bytes]] = {}
        self._unsaid: set[str] = set()
        self._kept: dict[str, int] = {}
        self._replaced = False
        self._connection = Connection(
            broker,
            topics.SERVER,
            [topics.EVERY_HERE, topics.EVERY_ANSWER],
            Heard(self._connected, self._take, self._end_replaced),
        )

    def __enter__(self) -> Self:
        """Connect."""
        self._share(topics.RUN, self._run)
        self._connection.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take back what is shared, and leave."""
        kept = [
            topics.shared(slot, number)
            for slot, count in self._kept.items()
            for number in range(count)
        ]
        self._connection.close(kept)

    def present(self) -> Mapping[int, str]:
        """Who is there."""
        with self._changed:
            if self._replaced:
                raise RunError("another server has come with this certificate, and takes over")
            now = time.monotonic()
            for name in [name for name, site in self._sites.items() if site.until < now]:
                self._forget(name)
            found = {site.number: name for name, site in self._sites.items()}
            lost = [work for site in self._sites.values() for work in self._lost(site)]
        for ticket, asked in lost:
            self._send(ticket, asked)
        return found

    def prepare(self, content: Content) -> str | Content:
        """The name of what is shared; short messages are sent to each node instead."""
        if sum(array.nbytes for array in content.arrays.values()) <= INLINE:
            return content
        with self._changed:
            return self._share(topics.PLAN, content_to_bytes(content))

    def send(self, node: int, prepared: str | Content, own: Arrays, timeout: float) -> str | None:
        """Send work."""
        with self._changed:
            found = [name for name, site in self._sites.items() if site.number == node]
            if not found:
                return None
            ticket = secrets.token_hex(NAME_BYTES)
            data = work_bytes(self._name(topics.RUN), prepared, own)
            asked = _Asked(found[0], node, data, time.monotonic() + timeout)
            self._asked[ticket] = asked
        self._send(ticket, asked)
        return ticket

    def replies(self, tickets: Sequence[str]) -> Iterable[tuple[str, Reply]]:
        """Those that have come."""
        with self._changed:
            self._news, now = False, time.monotonic()
            for ticket in [ticket for ticket, asked in self._asked.items() if asked.until < now]:
                del self._asked[ticket]
            for ticket in [ticket for ticket, (until, _) in self._came.items() if until < now]:
                del self._came[ticket]  # of a node for which nobody waited any longer
            found = [ticket for ticket in tickets if ticket in self._came]
            return [(ticket, self._came.pop(ticket)[1]) for ticket in found]

    def wait(self, seconds: float, stop: threading.Event) -> None:
        """Until all that was asked is answered, or a node has come or gone, or the time is over.

        Not until the next answer alone: with many nodes that would be a look for each of them.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._news or stop.is_set(), seconds)

    def _connected(self, kept: bool) -> None:
        """Share what the broker does not have; if it has forgotten all, also who is there."""
        with self._changed:
            for slot, (name, data) in self._shared.items():
                if not kept or slot in self._unsaid:
                    self._retain(slot, name, data)
            self._unsaid.clear()
            for site in self._sites.values() if not kept else ():
                site.until = time.monotonic() + UNCONFIRMED

    def _end_replaced(self) -> None:
        with self._changed:
            self._replaced = True
            self._wake()

    def _share(self, slot: str, data: bytes) -> str:
        """Have the broker keep ``data`` for all nodes; its name."""
        name = name_of(data)
        if self._shared.get(slot, (b"", b""))[0] != name:
            self._shared[slot] = (name, data)
            if self._connection.connected:
                self._retain(slot, name, data)
            else:
                self._unsaid.add(slot)
        return name.hex()

    def _retain(self, slot: str, name: bytes, data: bytes) -> None:
        def topic(number: int) -> str:
            return topics.shared(slot, number)

        before, count = self._kept.get(slot, 0), self._connection.retain(topic, name, data)
        for number in range(count, before):
            self._connection.keep(topic(number), b"")
        self._kept[slot] = count

    def _name(self, slot: str) -> str:
        return self._shared[slot][0].hex()

    def _send(self, ticket: str, asked: _Asked) -> None:
        left = asked.until - time.monotonic()
        if left > 0:
            self._connection.publish(
                topics.work(asked.site), bytes.fromhex(ticket), asked.data, left
            )

    def _take(self, topic: str, data: bytes) -> None:
        """A message has come; in the connection's thread."""
        found = topics.site_and_leaf(topic)
        if found is None:
            return
        site, leaf = found
        try:
            topics.check_site(site, "the site of a message")
            if leaf == "here":
                self._here(site, data)
            elif leaf == "answer":
                self._answer(site, data)
        except (MessageError, UsageError) as reason:
            self._log(f"a message of site {printable(site[:64])} is dropped: it {reason}")

    def _here(self, name: str, data: bytes) -> None:
        """A site says that a node of it is there, or the broker that it is not."""
        if not data:
            with self._changed:
                self._forget(name)
                self._wake()
            return
        session = _session(data)
        with self._changed:
            site = self._sites.get(name)
            if site is None or site.session != session:
                self._forget(name)
                self._numbers += 1
                site = self._sites[name] = _Site(self._numbers, session)
                self._wake()
            site.until, site.again = float("inf"), True
            lost = self._lost(site)
        for ticket, asked in lost:
            self._send(ticket, asked)

    def _lost(self, site: _Site) -> list[tuple[str, _Asked]]:
        """What a site gets again now, for a broker or the way there may have lost it."""
        now = time.monotonic()
        if not site.again or now < site.not_before:
            return []
        site.again, site.not_before = False, now + AGAIN_EVERY
        return [
            (ticket, asked) for ticket, asked in self._asked.items() if asked.number == site.number
        ]

    def _answer(self, site: str, data: bytes) -> None:
        """A piece of an answer."""
        ticket = name_in(data).hex()
        with self._changed:
            asked = self._asked.get(ticket)
            if asked is None:
                return  # twice, or too late
            if asked.site != site:
                raise MessageError(f"answers what site {asked.site} was asked")
            whole = self._pieces.setdefault(site, Pieces()).take(data)
            if whole is not None:
                del self._asked[ticket]
                self._came[ticket] = (asked.until, Reply(whole[1]))
                if not self._asked:
                    self._wake()

    def _forget(self, name: str) -> None:
        """The node of a site is gone, and what it was asked with it."""
        site = self._sites.pop(name, None)
        if site is None:
            return
        self._pieces.pop(name, None)
        for ticket in [t for t, asked in self._asked.items() if asked.number == site.number]:
            del self._asked[ticket]

    def _wake(self) -> None:
        self._news = True
        self._changed.notify_all()


def _session(data: bytes) -> str:
    """The session in what a node says when it comes.

    Raises:
        MessageError: if there is none.
    """
    try:
        session = json.loads(data[:1000]).get("session")
    except (ValueError, AttributeError) as error:
        raise MessageError("does not say in which session it is") from error
    if not isinstance(session, str) or len(session) != 2 * SESSION_BYTES:
        raise MessageError("does not say in which session it is")
    return session
