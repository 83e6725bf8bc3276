"""For all tests: order, patience, and long-lived commands (emulated boards, gateways)."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import settings
from tests.compiling import forget_old

from tifed.rule.network import Network
from tifed.rule.recipes import RECIPES, Tuned

COMMAND = "from tifed.cli import main; main()"
PATIENCE = 300.0

# A busy machine is slow, not wrong: no test is timed. Each run of a commit tries the same inputs,
# so that it passes for everybody or for nobody; `--hypothesis-profile search` draws new ones.
settings.register_profile("tifed", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None)
settings.load_profile("tifed")


@pytest.hookimpl(optionalhook=True)  # mutants are tried without xdist
def pytest_xdist_auto_num_workers() -> int:
    """Two more than there are cores: the tests of Flower spend most of their time in its waits."""
    return (os.cpu_count() or 1) + 2


def pytest_configure(config: pytest.Config) -> None:
    """Know a marker of pytest-cov without it as well: mutants are tried without."""
    config.addinivalue_line("markers", "no_cover: what it reaches is not measured")
    if not hasattr(config, "workerinput"):
        forget_old()
    elif (begun := config.pluginmanager.getplugin("_cov")) and begun.cov_controller:
        # pytest-cov begins to measure in a worker twice, and ends the second alone where nothing is
        # to be measured: the first would go on, and make slow tests several times slower.
        begun.cov_controller.cov.stop()


@pytest.hookimpl(tryfirst=True)  # before what is not wanted is left out
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with the slowest tests come first, so that no worker begins a long one at the end.

    What slow tests reach is not measured: it would cost much time and add little.
    """
    longest: dict[Path, float] = {}
    for item in items:
        if "service" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)  # it starts commands as processes
        for mark in item.iter_markers("slow"):
            seconds = mark.args[0] if mark.args else 1
            longest[item.path] = max(seconds, longest.get(item.path, 0))
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.no_cover)
    items.sort(key=lambda item: -longest.get(item.path, 0))


class ByEnergy(Tuned):
    """A recipe that chooses from the input's energy: a shift, and its first weights and biases."""

    shift: int = -2

    def start(self, network: Network, energy: int | None = None) -> tuple[int, ...]:
        usual = super().start(network)
        return usual if energy is None else (usual[0] >> energy.bit_length() % 3, *usual[1:])

    def start_biases(self, network: Network, energy: int | None = None) -> tuple[int, ...]:
        return (0 if energy is None else energy % 100, *super().start_biases(network)[1:])

    def energy_shift(self, network: Network, energy: int) -> int:
        return self.shift if energy else 0


@pytest.fixture
def by_energy(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of `ByEnergy`, registered."""
    monkeypatch.setattr(RECIPES, "_scripts", {})
    RECIPES.register("by-energy", ByEnergy)
    return "by-energy"


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
