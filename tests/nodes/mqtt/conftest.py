"""A real broker with keys, for tests that bring their own clients."""

import os
import pwd
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from tifed.errors import UsageError
from tifed.nodes.local.ports import free_ports, listens
from tifed.nodes.local.processes import Program, start, stop

if find_spec("paho") is None:  # pip install 'tifed[mqtt]'
    collect_ignore_glob = ["test_*.py"]
else:
    from tifed.nodes.mqtt.connection import Broker
    from tifed.nodes.mqtt.deployment import broker_program
    from tifed.nodes.mqtt.keys import make_keys, site_file

HOST = "127.0.0.1"


@pytest.fixture
def awaited() -> Callable[..., None]:
    """Waits until a condition holds."""

    def wait(condition: Callable[[], object], what: str, seconds: float = 120.0) -> None:
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until, what
            time.sleep(0.02)

    return wait


@pytest.fixture
def mosquitto() -> str:
    """The broker's path; without it, tests are skipped."""
    try:
        return broker_program()
    except UsageError as error:
        pytest.skip(str(error))


@dataclass
class Running:
    """A broker that runs.

    Attributes:
        keys: its folder.
        port: on which it listens.
        program: its process.
    """

    keys: Path
    port: int
    program: Program

    def way(self, name: str, packet: int = 1 << 18) -> "Broker":
        """How the client ``name`` reaches it."""
        return Broker(f"{HOST}:{self.port}", site_file(self.keys, name), packet)


@pytest.fixture
def broker(mosquitto: str, tmp_path: Path) -> Iterator[Running]:
    """A broker for the sites a and b, with its server's and their files."""
    keys, port = tmp_path / "keys", free_ports(1)[0]
    user = pwd.getpwuid(os.getuid()).pw_name
    make_keys(keys, (HOST,), ["a", "b"], port=port, address=HOST, user=user)
    mark = f"TIFED_TEST_BROKER={tmp_path}"
    environment = dict(os.environ) | {"TIFED_TEST_BROKER": str(tmp_path)}
    command = [mosquitto, "-c", str(keys / "mosquitto.conf")]
    program = start("broker", command, environment, tmp_path / "broker.log")
    try:
        until = time.monotonic() + 60
        while not listens(HOST, port):
            assert program.runs, program.last_words()
            assert time.monotonic() < until
            time.sleep(0.02)
        yield Running(keys, port, program)
    finally:
        stop([program], mark)
