"""Light nodes in one process, for `mqtt_scale.py`: a connection each, and prepared sums.

    python -m benchmarks.mqtt_light ADDRESS KEYS EXPERIMENT.toml

Each is the site of one device, ``light-N``, with a certificate of its own.
"""

import selectors
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from benchmarks.light_answers import LightAnswers
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from tifed.nodes.gateway.tls import node_context
from tifed.nodes.messages.encoding import content_to_bytes
from tifed.nodes.mqtt import topics
from tifed.nodes.mqtt.connection import at_once
from tifed.nodes.mqtt.keys import site_file
from tifed.nodes.mqtt.pieces import PACKET, Pieces, pieces_of
from tifed.nodes.mqtt.tasks import request_from, work_from_bytes


def light_name(number: int) -> str:
    """The site of device ``number``."""
    return f"light-{number}"


@dataclass
class Prepared:
    """Answers of one-device nodes.

    Attributes:
        answers: of the devices.
        shared: what the server shares, as it came, by its slot and name.
    """

    answers: LightAnswers
    shared: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def say(self, device: int, data: bytes) -> bytes | None:
        """The answer to a work; None if what is shared for it has yet to come."""
        head, own = work_from_bytes(data)
        slots = [slot for slot in (topics.RUN, topics.PLAN) if slot in head]
        if any((slot, head[slot]) not in self.shared for slot in slots):
            return None
        shared = {slot: self.shared[slot, head[slot]] for slot in slots}
        return content_to_bytes(self.answers.say(device, request_from(head, own, shared).content))


@dataclass
class Light:
    """One light node."""

    client: Client
    device: int
    prepared: Prepared
    pieces: dict[str, Pieces] = field(default_factory=dict)
    held: list[tuple[bytes, bytes]] = field(default_factory=list)

    def take(self, topic: str, data: bytes) -> None:
        """A message has come."""
        slot = topics.slot_of(topic)
        whole = self.pieces.setdefault(slot or "work", Pieces()).take(data) if data else None
        if whole is None:
            return
        name, content = whole
        if slot is None:
            self.held.append((name, content))
        else:
            self.prepared.shared[slot, name.hex()] = content
        held, self.held = self.held, []
        for ticket, work in held:
            said = self.prepared.say(self.device, work)
            if said is None:
                self.held.append((ticket, work))
                continue
            for piece in pieces_of(ticket, said, PACKET):
                self.client.publish(topics.answer(light_name(self.device)), piece, 1)


def connected(address: str, keys: Path, device: int, prepared: Prepared) -> Light:
    """A node that is there."""
    host, port = address.split(":")
    name = light_name(device)
    client = Client(CallbackAPIVersion.VERSION2, name, protocol=MQTTProtocolVersion.MQTTv5)
    client.tls_set_context(node_context(site_file(keys, name), "keys"))
    light = Light(client, device, prepared)

    def take(client: Client, data: object, message: MQTTMessage) -> None:
        light.take(message.topic, bytes(message.payload))

    ready: list[int] = []
    client.on_message = take
    client.on_socket_open = at_once
    client.on_subscribe = cast("Callable[..., None]", lambda *about: ready.append(1))
    client.on_connect = lambda *about: (
        client.subscribe([(f"{topics.SHARED}/#", 1), (topics.work(name), 1)]) and None
    )
    client.connect(host, int(port), 600)
    with selectors.DefaultSelector() as selector:  # the library's own takes 1,024 sockets at most
        selector.register(cast("Any", client.socket()), selectors.EVENT_READ)
        while not ready:
            if client.want_write():
                client.loop_write()
            selector.select(0.1)
            read(client)
    client.publish(topics.here(name), f'{{"session": "{device:016x}"}}'.encode(), 1, retain=True)
    return light


def read(client: Client) -> None:
    """Take in all that has come."""
    client.loop_read()
    while (line := cast("Any", client.socket())) is not None and line.pending():
        client.loop_read()


def serve(lights: Sequence[Light]) -> None:
    """Answer until this process is ended."""
    selector, misc = selectors.DefaultSelector(), time.monotonic()
    for light in lights:
        selector.register(cast("Any", light.client.socket()), selectors.EVENT_READ, light)
    while True:
        for key, _ in selector.select(1.0):
            read(key.data.client)
        for light in lights:
            if light.client.want_write():
                light.client.loop_write()
        if time.monotonic() - misc > 5.0:
            misc = time.monotonic()
            for light in lights:
                light.client.loop_misc()


def main() -> None:
    """Connect one node for each device, say so, and answer."""
    address, keys, experiment = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]).read_text()
    prepared = Prepared(LightAnswers.of(experiment))
    devices = prepared.answers.context.devices
    lights = [connected(address, keys, device, prepared) for device in devices]
    print(f"{len(lights)} light nodes", flush=True)
    serve(lights)


if __name__ == "__main__":
    main()
