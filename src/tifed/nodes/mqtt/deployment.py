"""A broker and resident nodes on this machine: real processes, TLS and rights."""

import json
import os
import pwd
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from tifed.errors import RunError, UsageError
from tifed.nodes.ledger import Ledger
from tifed.nodes.local.ports import free_ports, listens
from tifed.nodes.local.processes import Program, start, stop
from tifed.nodes.mqtt import require_mqtt
from tifed.nodes.mqtt.broker_files import CONFIGURATION
from tifed.nodes.mqtt.connection import Broker
from tifed.nodes.mqtt.keys import make_keys, site_file
from tifed.nodes.mqtt.pieces import PACKET
from tifed.nodes.mqtt.rights import SERVER
from tifed.nodes.serving.one_machine import site_name
from tifed.nodes.terms import NodeTerms

HOST = "127.0.0.1"
START_PATIENCE = 30.0
"""Seconds that the broker has until it listens."""
LOOK_EVERY = 0.2
RESTART_PAUSE = 1.0
"""Seconds between two starts of one program."""


def broker_program() -> str:
    """The path of mosquitto.

    Raises:
        UsageError: if it is not installed.
    """
    places = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    found = shutil.which("mosquitto", path=places)
    if found is None:
        raise UsageError(
            "mosquitto: the broker is not installed; its package is called mosquitto "
            "(Debian, Ubuntu: apt install mosquitto; macOS: brew install mosquitto)"
        )
    return found


@dataclass
class _Running:
    """A program and when it was started."""

    program: Program
    started: float


class Deployment:
    """A local federation; a context manager that leaves no process and no key behind.

    Attributes:
        address: of the broker.
        logs: folder of the programs' logs.
        keys: private folder, while it runs.
    """

    def __init__(
        self,
        nodes: int,
        logs: Path,
        *,
        data_dir: Path | None = None,
        gateways: Sequence[str | None] = (),
        gateway_tls: Path | None = None,
        ledgers: Path | None = None,
        packet: int = PACKET,
        log: Callable[[str], None] = print,
    ) -> None:
        """Prepare; nothing is started yet.

        Args:
            nodes: each of which hosts an equal part of the devices.
            logs: folder of the programs' logs.
            data_dir: folder of data sets of every node.
            gateways: addresses, one per node, if devices are boards behind gateways; None for a
                node that simulates its devices.
            gateway_tls: the nodes' private file for gateways at TCP addresses.
            ledgers: folder in which each node without a gateway has a folder of its own for what it
                keeps; None for none.
            packet: bytes of the longest packet.
            log: told what was started again.

        Raises:
            UsageError: if the client library or the broker is not installed.
        """
        require_mqtt()
        self._mosquitto = broker_program()
        self.logs, self._packet, self._log = logs, packet, log
        self._nodes_wanted, self._data_dir = nodes, data_dir
        self._gateways, self._gateway_tls = tuple(gateways), gateway_tls
        self._ledgers = ledgers
        self.address = f"{HOST}:{free_ports(1)[0]}"
        self._home: Path
        self._running: dict[str, _Running] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._tending: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Start everything, and watch over it."""
        self._home = Path(tempfile.mkdtemp(prefix="tifed-mqtt-"))
        try:
            sites = [site_name(number) for number in range(self._nodes_wanted)]
            make_keys(
                self.keys, (HOST, "localhost"), sites, port=int(self.address.split(":")[1]),
                address=HOST, packet=self._packet, user=pwd.getpwuid(os.getuid()).pw_name,
            )  # fmt: skip
            self._start_broker()
            for number in range(self._nodes_wanted):
                self._start(site_name(number))
        except BaseException:
            self._stop()
            raise
        self._tending = threading.Thread(target=self._tend, daemon=True)
        self._tending.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop everything."""
        self._stop()

    @property
    def keys(self) -> Path:
        """The private folder."""
        return self._home / "keys"

    @property
    def mark(self) -> str:
        """In the environment of every program of the federation, and of no other."""
        return f"TIFED_MQTT_HOME={self._home}"

    @property
    def programs(self) -> Mapping[str, int]:
        """Names and process numbers of the broker and the nodes."""
        with self._lock:
            return {name: one.program.process.pid for name, one in self._running.items()}

    def broker(self, name: str = SERVER) -> Broker:
        """How a client reaches the broker with the certificate of ``name``."""
        return Broker(self.address, site_file(self.keys, name), self._packet)

    def _tend(self) -> None:
        """Start again what has died."""
        while not self._ended.wait(LOOK_EVERY):
            with self._lock:
                dead = [
                    name
                    for name, one in self._running.items()
                    if not one.program.runs and time.monotonic() - one.started > RESTART_PAUSE
                ]
            for name in dead:
                self._log(f"{name} has died; it is started again")
                with self._lock:
                    if not self._ended.is_set():
                        self._start(name)

    def _start_broker(self) -> None:
        """Start the broker, and wait until it listens."""
        self._start("broker")
        host, port = self.address.split(":")
        until, program = time.monotonic() + START_PATIENCE, self._running["broker"].program
        while not listens(host, int(port)):
            if not program.runs or time.monotonic() > until:
                raise RunError(f"the broker did not start:\n{program.last_words()}")
            time.sleep(0.05)

    def _start(self, name: str) -> None:
        if name == "broker":
            command = [self._mosquitto, "-c", str(self.keys / CONFIGURATION)]
        else:
            command = self._node_command(name, self._config(int(name.rpartition("-")[2])))
        environment = dict(os.environ) | dict([self.mark.split("=", 1)])
        program = start(name, command, environment, self.logs / f"{name}.log")
        self._running[name] = _Running(program, time.monotonic())

    def _node_command(self, site: str, config: Mapping[str, str | int | float]) -> list[str]:
        command = [sys.executable, "-c", "from tifed.cli import main; main()", "mqtt", "node"]
        command += ["--broker", self.address, "--tls", str(site_file(self.keys, site))]
        command += ["--packet", str(self._packet)]
        for key, value in config.items():
            command += ["--set", f"{key}={json.dumps(value)}"]
        return command

    def _config(self, number: int) -> dict[str, str | int | float]:
        """Of node ``number``."""
        config: dict[str, str | int | float] = {
            "partition-id": number,
            "num-partitions": self._nodes_wanted,
        }
        gateway = self._gateways[number] if self._gateways else None
        if gateway is None:  # whoever runs all nodes on one machine has all data anyway
            folder = None if self._ledgers is None else self._ledgers / site_name(number)
            ledger = None if folder is None else Ledger(folder.absolute())
            config |= replace(NodeTerms.open(), ledger=ledger).to_config()
            if self._data_dir is not None:
                config["data-dir"] = str(self._data_dir.absolute())
            return config
        config["gateway"] = gateway
        if self._gateway_tls is not None:
            config["gateway-tls"] = str(self._gateway_tls.absolute())
        return config

    def _stop(self) -> None:
        # First of all: programs need a moment to stop, and nobody needs a key for that.
        shutil.rmtree(self.keys, ignore_errors=True)
        self._ended.set()
        if self._tending is not None:
            self._tending.join()
        with self._lock:
            programs = [one.program for one in self._running.values()]
        try:
            # The broker last: nodes tell it that they leave.
            stop(programs, self.mark, last="broker")
        finally:
            shutil.rmtree(self._home, ignore_errors=True)
