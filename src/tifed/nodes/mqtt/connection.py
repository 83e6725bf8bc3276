"""One client's connection to the broker: by TLS with its own certificate, made again when it ends.

Everything is sent with quality of service 1: the broker has it, or it is sent again. The library's
thread does that; what this module calls back is called from there.
"""

import json
import logging
import random
import secrets
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from tifed.errors import UsageError
from tifed.link.address import host_and_port
from tifed.link.reason import reason
from tifed.nodes.gateway.tls import node_context
from tifed.nodes.mqtt.pieces import LEAST_PACKET, PACKET, pieces_of

log = logging.getLogger("tifed.nodes.mqtt")

QOS = 1
SESSION_BYTES = 8
KEEPALIVE = 10
"""Seconds: after one and a half of it without a sign of life the broker counts a client as gone."""
SESSION = 3600
"""Seconds that the broker keeps what waits for a client that is away."""
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 2.0
"""Seconds between two tries to connect; between 1 and 2 times the longest, for nodes in crowds."""
WILL_DELAY = 1
"""Seconds that a client has to come back before the broker says that it is gone."""
PARTING = 2.0
"""Seconds in which last words have to have reached the broker."""


@dataclass(frozen=True)
class Broker:
    """How to reach the broker.

    Attributes:
        address: ``HOST:PORT``.
        tls: private file of this client with its key, its certificate and the authority's.
        packet: bytes of the longest packet to send; less if the broker says so.
    """

    address: str
    tls: Path
    packet: int = PACKET

    def __post_init__(self) -> None:
        if self.packet < LEAST_PACKET:
            raise UsageError(f"--packet: {self.packet} is less than {LEAST_PACKET} bytes")

    @property
    def name(self) -> str:
        """The name in the certificate.

        Raises:
            UsageError: if there is none.
        """
        try:
            text = self.tls.read_bytes()
        except OSError as error:
            raise UsageError(f"--tls: {self.tls} cannot be read ({reason(error)})") from error
        try:
            certificate = x509.load_pem_x509_certificate(text[text.index(_BEGIN) :])
            found = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
            return str(found[0].value)
        except (ValueError, IndexError) as error:
            raise UsageError(f"--tls: {self.tls} has no certificate with a name") from error


_BEGIN = b"-----BEGIN CERTIFICATE-----"


@dataclass(frozen=True)
class Heard:
    """Who is told what happens on a connection, in the library's thread.

    Attributes:
        connected: that there is a connection and everything is subscribed to; whether the broker
            has kept the session.
        message: topic and content of a message.
        replaced: another client with this certificate has taken the session over.
    """

    connected: Callable[[bool], None]
    message: Callable[[str, bytes], None]
    replaced: Callable[[], None]


@dataclass
class Connection:
    """A connection that comes back.

    Two clients with one certificate would end each other's session for ever. So each connection
    leaves its session at a topic, and one that comes back and finds another session there goes.

    Attributes:
        broker: how to reach it.
        mark: topic at which the session is kept, as JSON, as long as the connection holds.
        topics: that are subscribed to.
        heard: see `Heard`.
    """

    broker: Broker
    mark: str
    topics: Sequence[str]
    heard: Heard
    _client: "_Client" = field(init=False)
    _packet: int = field(init=False)
    _session: bytes = field(init=False)
    _connected: threading.Event = field(init=False, default_factory=threading.Event)
    _been: bool = field(init=False, default=False)
    _kept: bool = field(init=False, default=False)
    _last: int | None = field(init=False, default=None)
    _leaving: bool = field(init=False, default=False)
    _said: str = field(init=False, default="")

    def __post_init__(self) -> None:
        host, port = host_and_port(self.broker.address)
        client = self._client = _Client(lambda why: self._say(f"cannot be reached ({why})"))
        self._packet = self.broker.packet
        client.tls_set_context(node_context(self.broker.tls, "--tls"))
        # Whole seconds by their type alone.
        pauses: Any = (FIRST_PAUSE, LONGEST_PAUSE * random.uniform(1.0, 2.0))  # noqa: S311
        client.reconnect_delay_set(*pauses)
        client.max_inflight_messages_set(100)
        client.connect_timeout = 5.0
        client.on_socket_open = at_once
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        self._session = json.dumps({"session": secrets.token_hex(SESSION_BYTES)}).encode()
        delay = _properties(PacketTypes.WILLMESSAGE, WillDelayInterval=WILL_DELAY)
        client.will_set(self.mark, b"", QOS, retain=True, properties=delay)
        session = _properties(PacketTypes.CONNECT, SessionExpiryInterval=SESSION)
        client.connect_async(host, port, KEEPALIVE, properties=session)

    def open(self) -> None:
        """Connect, and go on trying."""
        self._client.loop_start()

    def close(self, cleared: Sequence[str] = ()) -> None:
        """End the connection and its session.

        Args:
            cleared: topics at which the broker is to keep nothing any more, beside the mark.
        """
        self._leaving = True
        if self._connected.is_set():
            until = time.monotonic() + PARTING
            topics = [*cleared, self.mark]
            for told in [self._client.publish(topic, b"", QOS, retain=True) for topic in topics]:
                with suppress(RuntimeError, ValueError):  # the connection has just ended
                    told.wait_for_publish(max(0.01, until - time.monotonic()))
        ended = _properties(PacketTypes.DISCONNECT, SessionExpiryInterval=0)
        self._client.disconnect(properties=ended)
        self._client.loop_stop()
        self._client.leave_nothing_open()

    @property
    def connected(self) -> bool:
        """Whether there is a connection now."""
        return self._connected.is_set()

    def publish(self, topic: str, name: bytes, data: bytes, expires: float | None = None) -> None:
        """Send a message to one topic, in pieces.

        Args:
            topic: to send it to.
            name: of the message.
            data: the message.
            expires: seconds after which nobody needs it any more; None for never.
        """
        kept = None
        if expires is not None:
            seconds = max(1, round(expires))
            kept = _properties(PacketTypes.PUBLISH, MessageExpiryInterval=seconds)
        for piece in pieces_of(name, data, self._packet):
            self._client.publish(topic, piece, QOS, properties=kept)

    def retain(self, topic: Callable[[int], str], name: bytes, data: bytes) -> int:
        """Have the broker keep a message, each piece in a topic of its own; how many there are."""
        pieces = list(pieces_of(name, data, self._packet))
        for number, piece in enumerate(pieces):
            self.keep(topic(number), piece)
        return len(pieces)

    def keep(self, topic: str, data: bytes) -> None:
        """Have the broker keep ``data``, whole, at a topic; nothing if it is empty."""
        self._client.publish(topic, data, QOS, retain=True)

    def subscribe(self, topics: Sequence[str]) -> int | None:
        """Subscribe, perhaps again: what is retained at ``topics`` is then sent again.

        Returns:
            The packet's number; None if there is no connection.
        """
        options = SubscribeOptions(qos=QOS)
        return self._client.subscribe([(topic, options) for topic in topics])[1]

    def _on_connect(
        self,
        client: Client,
        userdata: object,
        flags: ConnectFlags,
        code: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if code.is_failure:
            self._say(f"lets this client not in ({code})")
            return
        told = getattr(properties, "MaximumPacketSize", None) if properties else None
        if told is not None:
            self._packet = max(LEAST_PACKET, min(self.broker.packet, int(told)))
        self._kept = flags.session_present
        # In this order: when the last is subscribed to, what is kept at the first has come.
        self.subscribe([self.mark])
        self._last = self.subscribe(self.topics)

    def _on_subscribe(
        self,
        client: Client,
        userdata: object,
        number: int,
        codes: list[ReasonCode],
        properties: Properties | None,
    ) -> None:
        refused = [code for code in codes if code.is_failure]
        if refused:
            self._say(f"lets this client not read what is its own ({refused[0]})")
            return
        if number == self._last:
            self._last, self._been, self._said = None, True, ""
            self._connected.set()
            log.info("connected to the broker %s", self.broker.address)
            self.heard.connected(self._kept)
            self.keep(self.mark, self._session)

    def _on_disconnect(
        self,
        client: Client,
        userdata: object,
        flags: DisconnectFlags,
        code: ReasonCode,
        properties: Properties | None,
    ) -> None:
        was = self._connected.is_set()
        self._connected.clear()
        if was and code.is_failure:
            self._say(f"has ended the connection, or the way there is cut ({code})")
        elif code.is_failure:
            self._say(f"lets this client not in; is {self.broker.tls} of its authority? ({code})")

    def _on_message(self, client: Client, userdata: object, message: MQTTMessage) -> None:
        if message.topic == self.mark:
            other = bool(message.payload) and message.payload != self._session
            if message.retain and other and self._been and not self._connected.is_set():
                self._last = None
                client.disconnect()
                self.heard.replaced()
            elif not message.payload and self._connected.is_set() and not self._leaving:
                # The last will of a program before this one, which the broker has sent too late.
                self.keep(self.mark, self._session)
            return
        try:
            self.heard.message(message.topic, bytes(message.payload))
        except Exception:
            # Whatever a message does, it does not end the thread of the connection.
            log.exception("a message at %s could not be taken in", message.topic)

    def _say(self, what: str) -> None:
        """Log what is wrong with the broker, once until it is something else or all is well."""
        if what != self._said:
            self._said = what
            log.warning("broker %s %s", self.broker.address, what)


def at_once(client: Client, userdata: object, line: Any) -> None:
    """Have small messages sent at once; the system would wait for more of them."""
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _properties(kind: int, **values: int) -> Properties:
    """Properties of a packet."""
    properties = Properties(kind)  # type: ignore[no-untyped-call]
    for name, value in values.items():
        setattr(properties, name, value)
    return properties


class _Client(Client):
    """The library's client, which says why it cannot connect."""

    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self._say = say

    def leave_nothing_open(self) -> None:
        """Close what is open, which the library leaves to the garbage collector."""
        self._reset_sockets()

    def reconnect(self):  # type: ignore[no-untyped-def]
        try:
            return super().reconnect()
        except OSError as error:
            # An error of TLS has a number that is none of the system's.
            self._say(str(error) if isinstance(error, ssl.SSLError) else reason(error))
            raise
