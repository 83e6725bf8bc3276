"""Who is not let in, and what a site may not do, at a broker with the files that TIFeD writes."""

import gc
import json
import logging
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from tests.nodes.mqtt.conftest import HOST, Running

from tifed.errors import RunError
from tifed.experiment import Experiment, to_toml
from tifed.nodes.keys.authority import Authority, write_private
from tifed.nodes.messages.content import Content, message
from tifed.nodes.messages.encoding import content_to_bytes
from tifed.nodes.mqtt import topics
from tifed.nodes.mqtt.connection import Broker, Connection, Heard
from tifed.nodes.mqtt.node import HELD, SiteNode
from tifed.nodes.mqtt.pieces import name_in, name_of, pieces_of
from tifed.nodes.mqtt.serve import serve
from tifed.nodes.mqtt.tasks import run_bytes, work_bytes
from tifed.nodes.mqtt.transport import AGAIN_EVERY, MqttTransport
from tifed.nodes.node import Node, Request
from tifed.nodes.resident import ResidentNode
from tifed.nodes.serving.settings import Settings
from tifed.nodes.serving.sites import Sites
from tifed.nodes.terms import NodeTerms

pytestmark = pytest.mark.slow(10)

Wait = Callable[..., None]


@dataclass
class Someone:
    """A client with the certificate of ``name`` that writes down what it hears."""

    way: Broker
    topics: list[str]
    heard: list[tuple[str, bytes]] = field(default_factory=list)
    replaced: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        mark = topics.SERVER if self.way.name == "server" else topics.here(self.way.name)
        self.connection = Connection(
            self.way,
            mark,
            self.topics,
            Heard(
                lambda kept: None,
                lambda topic, data: self.heard.append((topic, data)),
                self.replaced.set,
            ),
        )

    def __enter__(self) -> "Someone":
        self.connection.open()
        return self

    def __exit__(self, *error: object) -> None:
        self.connection.close()


def refused(client: Client, broker: Running) -> None:
    """Assert that the broker does not let ``client`` in."""
    let_in = []
    client.on_connect = lambda *about: let_in.append(about[3])
    try:
        client.connect(HOST, broker.port)
        for _ in range(50):
            if client.loop(0.1) != 0:
                break
    except OSError:
        return
    assert not [code for code in let_in if not code.is_failure]
    assert not client.is_connected()


def plain_client() -> Client:
    return Client(CallbackAPIVersion.VERSION2, "server", protocol=MQTTProtocolVersion.MQTTv5)


def test_nobody_without_a_certificate_of_the_authority(broker: Running) -> None:
    refused(plain_client(), broker)  # without TLS

    nameless = plain_client()
    context = ssl.create_default_context(cafile=str(broker.keys / "ca.crt"))
    nameless.tls_set_context(context)
    nameless.username_pw_set("server", "password")
    refused(nameless, broker)

    stranger = plain_client()
    context = ssl.create_default_context(cafile=str(broker.keys / "ca.crt"))
    key, certificate = Authority.new().issue("server")
    path = write_private(broker.keys / "stranger", key + certificate)
    context.load_cert_chain(path)
    stranger.tls_set_context(context)
    refused(stranger, broker)


# The library leaves the socket of a connection without TLS to the garbage collector.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_client_says_why_it_is_not_let_in(
    broker: Running, awaited: Wait, caplog: pytest.LogCaptureFixture
) -> None:
    ours, others = Authority.read(broker.keys), Authority.new()
    key, certificate = others.issue("c")
    write_private(broker.keys / "c.pem", key + certificate + ours.pem)
    with Someone(broker.way("c"), [topics.work("c")]) as one:
        awaited(lambda: "c.pem of its authority?" in caplog.text, "nothing is said")
        assert not one.connection.connected
    key, certificate = others.issue("d")
    write_private(broker.keys / "d.pem", key + certificate + others.pem)
    with Someone(broker.way("d"), [topics.work("d")]) as one:
        awaited(lambda: "certificate verify failed" in caplog.text, "nothing is said")
        assert not one.connection.connected
    gc.collect()


def test_who_is_declared_gone_by_mistake_says_that_it_is_there(
    broker: Running, awaited: Wait
) -> None:
    with (
        Someone(broker.way("server"), [topics.EVERY_HERE]) as server,
        Someone(broker.way("a"), [topics.work("a")]) as own,
    ):
        awaited(lambda: len(server.heard) == 1, "not there")
        # As the last will of a program before it, which comes late.
        own.connection.keep(topics.here("a"), b"")
        awaited(lambda: len(server.heard) == 3, "not there again")
        assert [bool(data) for _, data in server.heard] == [True, False, True]
        assert server.heard[0] == server.heard[2]


def test_a_site_can_neither_read_nor_write_what_is_anothers(broker: Running, awaited: Wait) -> None:
    everything = ["#", "tifed/#", "tifed/site/+/work", "tifed/site/+/answer", topics.work("a"),
                  topics.answer("a"), topics.here("a"), "$SYS/#"]  # fmt: skip
    with (
        Someone(broker.way("b"), [*everything, topics.work("b"), "tifed/shared/#"]) as spy,
        Someone(broker.way("a"), [topics.work("a"), "tifed/shared/#"]) as own,
        Someone(broker.way("server"), [topics.EVERY_ANSWER, topics.EVERY_HERE]) as server,
    ):
        awaited(lambda: own.connection.connected and server.connection.connected, "not there")
        # Whatever it does in another's folder, or as the server.
        for topic in (topics.answer("a"), topics.here("a"), topics.work("a"), topics.work("b"),
                      topics.shared("run", 0), topics.shared("plan", 0)):  # fmt: skip
            spy.connection.keep(topic, b"forged")
        spy.connection.keep(topics.answer("b"), b"own answer")
        awaited(lambda: (topics.answer("b"), b"own answer") in server.heard, "its own is heard")
        server.connection.keep(topics.work("a"), b"for a")
        server.connection.keep(topics.shared("run", 0), b"for all")
        server.connection.keep(topics.work("b"), b"for b")
        awaited(lambda: (topics.work("b"), b"for b") in spy.heard, "its own is heard")
        awaited(lambda: len(own.heard) >= 2, "a hears what is its own")
        assert own.heard == [(topics.work("a"), b"for a"), (topics.shared("run", 0), b"for all")]
        assert not [topic for topic, data in spy.heard if topic.startswith("tifed/site/a")]
        assert (topics.shared("run", 0), b"for all") in spy.heard
        assert not [data for _, data in server.heard + own.heard + spy.heard if data == b"forged"]


def test_a_name_without_rights_can_do_nothing(broker: Running, awaited: Wait) -> None:
    """As that of a site whose lines are gone from the access list."""
    authority = Authority.read(broker.keys)
    key, certificate = authority.issue("gone")
    write_private(broker.keys / "gone.pem", key + certificate + authority.pem)
    with (
        Someone(broker.way("gone"), ["tifed/#", topics.work("gone"), "tifed/shared/#"]) as gone,
        Someone(broker.way("server"), [topics.EVERY_ANSWER, topics.here("gone")]) as server,
        Someone(broker.way("a"), [topics.work("a")]) as own,
    ):
        awaited(lambda: server.connection.connected and own.connection.connected, "not there")
        gone.connection.keep(topics.answer("gone"), b"forged")
        server.connection.keep(topics.shared("run", 0), b"for all")
        server.connection.keep(topics.work("gone"), b"for nobody")
        own.connection.keep(topics.answer("a"), b"true")
        awaited(lambda: (topics.answer("a"), b"true") in server.heard, "a is heard")
        assert [data for _, data in server.heard] == [b"true"]
        assert not gone.heard


def test_nobody_ends_the_session_of_another(broker: Running, awaited: Wait) -> None:
    """The broker takes the client's name from its certificate, whatever the client says."""
    with Someone(broker.way("a"), [topics.work("a")]) as own:
        awaited(lambda: own.connection.connected, "not there")
        for name in ("a", "server"):
            poser = Client(CallbackAPIVersion.VERSION2, name, protocol=MQTTProtocolVersion.MQTTv5)
            context = ssl.create_default_context(cafile=str(broker.keys / "ca.crt"))
            context.load_cert_chain(broker.keys / "b.pem")
            poser.tls_set_context(context)
            poser.username_pw_set(name, "password")
            poser.connect(HOST, broker.port)
            for _ in range(3):
                poser.loop(0.1)
            poser.disconnect()
        assert own.connection.connected
        assert not own.replaced.is_set()


def test_an_answer_to_what_another_site_was_asked_is_dropped(
    broker: Running, awaited: Wait
) -> None:
    log: list[str] = []
    with (
        MqttTransport(broker.way("server"), to_toml(Experiment()), 60.0, log.append) as server,
        Someone(broker.way("a"), [topics.work("a")]) as honest,
        Someone(broker.way("b"), [topics.work("b")]) as forger,
    ):
        awaited(lambda: len(server.present()) == 2, "not present")
        node = next(number for number, site in server.present().items() if site == "a")
        ticket = server.send(node, server.prepare(message("hello", "x", {})), {}, 60.0)
        assert ticket is not None
        awaited(lambda: honest.heard, "not asked")

        def answer(word: str) -> bytes:
            content: Content = message("hello", "x", {}, data=word)
            return next(pieces_of(bytes.fromhex(ticket), content_to_bytes(content), 1 << 18))

        forger.connection.keep(topics.answer("b"), answer("forged"))
        awaited(lambda: log, "nothing is said of it")
        assert log == ["a message of site b is dropped: it answers what site a was asked"]
        assert list(server.replies([ticket])) == []
        honest.connection.keep(topics.answer("a"), b"\x00" * 100)
        honest.connection.keep(topics.answer("a"), answer("true"))
        found: list[Any] = []

        def came() -> bool:
            found.extend(server.replies([ticket]))
            return bool(found)

        awaited(came, "no answer")
        assert found[0][1].content("hello", "x").values["data"] == "true"


def test_who_says_often_that_it_is_there_is_not_sent_its_work_as_often(
    broker: Running, awaited: Wait
) -> None:
    """Else a few bytes of a site would have the server send, and keep, as many long messages."""
    with (
        MqttTransport(broker.way("server"), to_toml(Experiment()), 600.0, print) as server,
        Someone(broker.way("a"), [topics.work("a")]) as site,
    ):
        awaited(lambda: site.connection.connected and 1 in server.present(), "not present")
        said = json.dumps({"session": "0" * 16}).encode()
        site.connection.keep(topics.here("a"), said)
        awaited(lambda: 2 in server.present(), "not present in its own session")
        began = time.monotonic()
        own = {"sealed": np.zeros(1000, np.uint8)}
        server.send(2, server.prepare(message("x", "x", {})), own, 600.0)
        for _ in range(200):
            site.connection.keep(topics.here("a"), said)
        # One that has really come back is sent it, if later.
        awaited(lambda: server.present() and len(site.heard) >= 2, "not sent again")
        ended = time.monotonic()
        assert len(site.heard) <= 2 + (ended - began) / AGAIN_EVERY


def test_a_site_gets_no_device_to_which_it_is_not_bound(broker: Running) -> None:
    """Site b wants the devices of a, which is not there."""
    experiment = Experiment(devices=2, rounds=1)
    settings = Settings(
        to_toml(experiment), grace=3.0, attempts=1, sites=Sites({"a": "0", "b": "1"})
    )
    open_terms = NodeTerms.open().to_config()
    config = {"partition-id": 0, "num-partitions": 2} | open_terms
    thief = SiteNode(broker.way("b"), ResidentNode(Node.from_config(config)).answer)
    serving = threading.Thread(target=thief.serve)
    serving.start()
    log: list[str] = []
    try:
        with pytest.raises(Exception, match="no node|no device|calibration"):
            serve(broker.way("server"), settings, log=log.append)
    finally:
        thief.stop()
        serving.join()
    assert any("wants devices 0, to which its site b is not bound" in line for line in log), log
    assert not any("hosts devices" in line for line in log)


def test_a_second_server_or_node_takes_the_first_ones_place(
    broker: Running, awaited: Wait, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with Someone(broker.way("a"), [topics.work("a")]) as first:
        awaited(lambda: first.connection.connected, "not there")
        with Someone(broker.way("a"), [topics.work("a")]) as second:
            awaited(lambda: second.connection.connected, "not there")
            awaited(first.replaced.is_set, "the first is not told")
            awaited(lambda: second.connection.connected, "the second is not let be")
            assert not second.replaced.is_set()


def test_a_second_server_ends_the_first(broker: Running, awaited: Wait) -> None:
    way, text = broker.way("server"), to_toml(Experiment())
    with (
        MqttTransport(way, text, 60.0, lambda line: None) as first,
        Someone(broker.way("a"), [topics.work("a")]),
    ):
        awaited(first.present, "not present")
        with MqttTransport(way, text, 60.0, lambda line: None) as second:
            awaited(second.present, "not present")

            def ended() -> bool:
                try:
                    first.present()
                except RunError as error:
                    return "takes over" in str(error)
                return False

            awaited(ended, "the first goes on")


def test_who_is_gone_is_asked_nothing_any_more(broker: Running, awaited: Wait) -> None:
    """A node that comes back has other work; the answer to what it was asked before is too late."""
    log: list[str] = []
    word = message("hello", "x", {})
    with MqttTransport(broker.way("server"), to_toml(Experiment()), 60.0, log.append) as server:

        def asked() -> str:
            awaited(server.present, "not present")
            (node,) = server.present()
            ticket = server.send(node, server.prepare(word), {}, 60.0)
            assert ticket is not None
            return ticket

        with Someone(broker.way("a"), [topics.work("a")]):
            before = asked()
        awaited(lambda: not server.present(), "still there")
        with Someone(broker.way("a"), [topics.work("a")]) as back:
            now = asked()
            assert now != before
            awaited(lambda: back.heard, "not asked")
            assert [name_in(data).hex() for _, data in back.heard] == [now]
            back.connection.keep(topics.here("a"), b'{"session": "short"}')
            for ticket in (before, now):
                back.connection.publish(
                    topics.answer("a"), bytes.fromhex(ticket), content_to_bytes(word)
                )
            found: list[str] = []

            def came() -> bool:
                found.extend(ticket for ticket, _ in server.replies([before, now]))
                return now in found

            awaited(came, "no answer")
            assert found == [now]
    assert log == ["a message of site a is dropped: it does not say in which session it is"]


def test_work_that_comes_twice_is_done_once_and_of_what_waits_the_oldest_is_dropped(
    broker: Running, awaited: Wait
) -> None:
    asked: list[Request] = []

    def answer(request: Request) -> Content:
        asked.append(request)
        return request.content

    node = SiteNode(broker.way("a"), answer)
    serving = threading.Thread(target=node.serve)
    serving.start()
    try:
        with Someone(broker.way("server"), [topics.EVERY_HERE, topics.EVERY_ANSWER]) as server:
            awaited(lambda: server.heard, "the node is not there")
            server.heard.clear()
            run = run_bytes(to_toml(Experiment()), 60.0)
            work = work_bytes(name_of(run).hex(), message("hello", "x", {}), {})
            tickets = [bytes([number]) * 16 for number in range(HELD + 2)]
            for ticket in tickets:  # before what is shared for it
                server.connection.publish(topics.work("a"), ticket, work)
            server.connection.retain(lambda piece: topics.shared("run", piece), name_of(run), run)
            server.connection.publish(topics.work("a"), tickets[-1], work)
            awaited(lambda: len(server.heard) > HELD, "no answers")
            names = [name_in(data) for _, data in server.heard]
            assert names == [*tickets[2:], tickets[-1]]
            assert server.heard[-1] == server.heard[-2]
            assert len(asked) == HELD
    finally:
        node.stop()
        serving.join()


def test_what_is_no_message_stops_neither_node_nor_server(
    broker: Running, awaited: Wait, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    random = np.random.default_rng(5)
    asked: list[Request] = []

    def answer(request: Request) -> Content:
        asked.append(request)
        return request.content

    node = SiteNode(broker.way("a"), answer)
    serving = threading.Thread(target=node.serve)
    serving.start()
    try:
        with Someone(broker.way("server"), [topics.EVERY_HERE]) as server:
            awaited(lambda: server.heard, "the node is not there")
            for _ in range(30):
                data = random.bytes(int(random.integers(1, 200)))
                server.connection.publish(topics.work("a"), random.bytes(16), data)
                server.connection.keep(topics.work("a"), data)
                server.connection.keep(topics.shared("plan", 0), data)
            for piece in pieces_of(b"n" * 16, b"is not what its name says", 1 << 18):
                server.connection.keep(topics.shared("run", 0), piece)
            awaited(lambda: "is not what its name says" in caplog.text, "nothing said")
            awaited(lambda: "is no piece of a message" in caplog.text, "nothing said")
            awaited(lambda: "work is dropped: it is not readable" in caplog.text, "nothing said")
            assert not asked
            assert serving.is_alive()
    finally:
        node.stop()
        serving.join()
