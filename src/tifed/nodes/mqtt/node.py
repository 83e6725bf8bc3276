"""A resident node: keeps its connection, and answers what its site is asked.

The library's thread takes messages in; the work is done by one thread, one message after the other.
Whatever comes twice is answered twice with the same bytes, and worked on once.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import SimpleQueue

from tifed.errors import RunError, UsageError
from tifed.nodes.messages.content import Content, MessageError
from tifed.nodes.messages.encoding import content_to_bytes
from tifed.nodes.mqtt import topics
from tifed.nodes.mqtt.connection import Broker, Connection, Heard, log
from tifed.nodes.mqtt.pieces import Pieces, name_of
from tifed.nodes.mqtt.rights import SERVER
from tifed.nodes.mqtt.tasks import request_from, work_from_bytes
from tifed.nodes.node import Request
from tifed.printable import printable

REMEMBERED = 4
"""Answers that are kept to be given again."""
HELD = 8
"""Works that wait for what is shared; the oldest is dropped for another one."""

Answer = Callable[[Request], Content]
Blob = tuple[bytes, bytes]
"""Name and bytes of what is shared."""


@dataclass
class SiteNode:
    """One site's node.

    Attributes:
        broker: how to reach it.
        answer: from a request to what is said to it.

    Raises:
        UsageError: if the private file is none of a site.
    """

    broker: Broker
    answer: Answer
    _inbox: "SimpleQueue[tuple[str, bytes, bytes] | None]" = field(default_factory=SimpleQueue)
    _shared: dict[str, Blob] = field(default_factory=dict)
    _held: "OrderedDict[bytes, bytes]" = field(default_factory=OrderedDict)
    _said: "OrderedDict[bytes, bytes]" = field(default_factory=OrderedDict)
    _replaced: bool = False

    def __post_init__(self) -> None:
        self.site = topics.check_site(self.broker.name, "--tls")
        if self.site == SERVER:
            raise UsageError(f"--tls: {self.broker.tls} is of the server, not of a site")
        self._pieces: dict[str, Pieces] = {}
        self._connection = Connection(
            self.broker,
            topics.here(self.site),
            [f"{topics.SHARED}/#", topics.work(self.site)],
            Heard(lambda kept: None, self._take, self._end_replaced),
        )

    def serve(self) -> None:
        """Answer until `stop` is called.

        Raises:
            RunError: if another client has come with this node's certificate.
        """
        self._connection.open()
        try:
            while (item := self._inbox.get()) is not None:
                what, name, data = item
                if what == "work":
                    self._work(name, data)
                else:
                    self._shared[what] = (name, data)
                    self._work_held()
        finally:
            self._connection.close()
        if self._replaced:
            raise RunError(
                f"another node has come with the certificate of {self.site}, and takes its place"
            )

    def stop(self) -> None:
        """Have `serve` end after the work at hand; a signal's handler may call it."""
        self._inbox.put(None)

    def _end_replaced(self) -> None:
        self._replaced = True
        self.stop()

    def _take(self, topic: str, data: bytes) -> None:
        """A message has come; in the connection's thread."""
        slot = topics.slot_of(topic)
        if slot is None and topic != topics.work(self.site):
            log.warning("a message at %s is dropped: nobody asks there", printable(topic))
            return
        if not data:  # whatever was shared is not any more
            return
        try:
            whole = self._pieces.setdefault(slot or "work", Pieces()).take(data)
            if whole is None:
                return
            name, content = whole
            if slot is not None and name != name_of(content):
                raise MessageError("is not what its name says")
        except MessageError as reason:
            log.warning("a message at %s is dropped: it %s", topic, reason)
            return
        self._inbox.put((slot or "work", name, content))

    def _work(self, ticket: bytes, data: bytes) -> None:
        """Answer one work, at once or when what is shared has come."""
        said = self._said.get(ticket)
        if said is None:
            try:
                request = self._request(data)
            except MessageError as reason:
                log.warning("work is dropped: it %s", reason)
                return
            if request is None:
                self._hold(ticket, data)
                return
            answer = self.answer(request)
            if "refused" in answer.values:
                log.warning("refused: %s", answer.values["refused"])
            said = self._said[ticket] = content_to_bytes(answer)
            while len(self._said) > REMEMBERED:
                self._said.popitem(last=False)
        self._connection.publish(topics.answer(self.site), ticket, said)

    def _request(self, data: bytes) -> Request | None:
        """What a work asks; None if something of it has yet to come.

        Raises:
            MessageError: if it is none.
        """
        head, own = work_from_bytes(data)
        parts: dict[str, bytes] = {}
        for slot in (topics.RUN, topics.PLAN):
            if slot in head:
                name, content = self._shared.get(slot, (b"", b""))
                if head[slot] != name.hex():
                    return None
                parts[slot] = content
        return request_from(head, own, parts)

    def _hold(self, ticket: bytes, data: bytes) -> None:
        """Keep a work until what is shared has come, which the broker is asked for again."""
        if ticket not in self._held:
            self._held[ticket] = data
            self._connection.subscribe([f"{topics.SHARED}/#"])
        while len(self._held) > HELD:
            self._held.popitem(last=False)
            log.warning("work is dropped: what is shared for it has not come")

    def _work_held(self) -> None:
        """Look again at what was held."""
        held, self._held = self._held, OrderedDict()
        for ticket, data in held.items():
            try:
                waits = self._request(data) is None
            except MessageError:
                waits = False  # said where it is worked on
            if waits:
                self._held[ticket] = data
            else:
                self._work(ticket, data)
