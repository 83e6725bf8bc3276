"""For all tests: patience, and long-lived commands (emulated boards, gateways) as processes."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import settings

COMMAND = "from tifed.cli import main; main()"
PATIENCE = 120.0

# A busy machine is slow, not wrong: no test is timed.
settings.register_profile("tifed", deadline=None)
settings.load_profile("tifed")


@dataclass
class Service:
    """A ``tifed`` command that runs until it is stopped.

    Attributes:
        arguments: of the command.
        log: file with all that it prints.
    """

    arguments: tuple[str, ...]
    log: Path
    process: subprocess.Popen[bytes] = field(init=False)

    def start(self) -> None:
        with self.log.open("ab") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-c", COMMAND, *self.arguments], stdout=file, stderr=file
            )

    def says(self, words: str, times: int = 1) -> None:
        """Wait until it has said ``words`` so often."""
        until = time.monotonic() + PATIENCE
        while self.text.count(words) < times:
            assert self.process.poll() is None, self.text
            assert time.monotonic() < until, f"not said: {words}\n{self.text}"
            time.sleep(0.05)

    @property
    def text(self) -> str:
        return self.log.read_text(errors="replace")

    def kill(self) -> None:
        """Signal 9."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Ask it to stop; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


Start = Callable[..., Service]


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Start]:
    """Starts ``tifed ARGUMENTS``; it is gone when the test ends."""
    started: list[Service] = []

    def start(*arguments: str) -> Service:
        one = Service(arguments, tmp_path / f"{arguments[0]}-{len(started)}.log")
        one.start()
        started.append(one)
        return one

    yield start
    for one in started:
        if one.process.poll() is None:
            one.kill()


@pytest.fixture
def boards(service: Start, tmp_path: Path) -> Callable[..., list[str]]:
    """Emulates boards for an experiment; their addresses, first device first."""

    def start(count: int, *experiment: str, board: str = "cortex-m4") -> list[str]:
        pytest.importorskip("unicorn", reason="needs pip install 'tifed[emulator]'")
        addresses = [f"unix:{tmp_path}/{board}-{number}" for number in range(count)]
        pairs = [word for pair in experiment for word in ("--set", pair)]
        emulated = service("emulate", "--board", board, "--listen", ",".join(addresses), *pairs)
        emulated.says(" is at ", count)
        return addresses

    return start


@pytest.fixture
def gateway(service: Start, tmp_path: Path) -> Callable[..., tuple[Service, str]]:
    """Starts a gateway of some boards; the command and its address."""
    numbers = iter(range(100))

    def start(boards: list[str], *options: str) -> tuple[Service, str]:
        address = f"unix:{tmp_path}/gateway-{next(numbers)}"
        one = service("gateway", "--devices", ",".join(boards), "--listen", address, *options)
        one.says(f"gateway of {len(boards)} boards at {address}")
        return one, address

    return start
