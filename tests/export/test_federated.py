"""The exported device of a federation: real processes behind real ports, the simulator's digest."""

import contextlib
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tifed.experiment import load_experiment
from tifed.experiment import run as run_experiment
from tifed.export import Model, export

pytestmark = pytest.mark.slow(3)

DEVICES = 3
SHORT = ("compression.upload=ternary", "compression.download=4-bit")


@contextlib.contextmanager
def started(program: Path, ports: list[int]) -> Iterator[None]:
    """A process per port, stopped whatever happens."""
    processes = [subprocess.Popen([str(program), str(port)]) for port in ports]
    try:
        for port in ports:
            _await(port)
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _await(port: int) -> None:
    """Until somebody listens."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise TimeoutError(port)


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


@pytest.mark.parametrize(
    "network",
    [
        ["layers=[64,12,10]"],
        ["front_end=octants", "layers=[32,12,10]"],
        ["pixel_shifts=true", "layers=[64,12,10]"],
        ["front_end=octants", "pixel_shifts=true", "layers=[32,12,10]"],
        ["layers=[64,12,10]", *SHORT],
        ["layers=[64,12,10]", *SHORT, "compression.coder=true", "buffers_per_round=2"],
        ["layers=[64,12,10]", *SHORT, "link.quiet=true"],
    ],
)
def test_processes_train_to_the_simulators_digest(
    network: list[str], tmp_path: Path, make_model: Callable[..., Model], run: Callable[..., str]
) -> None:
    settings = ["rounds=3", f"devices={DEVICES}", *network]
    export(make_model(*settings), "cmake", tmp_path / "library")
    run(["cmake", "-S", tmp_path / "library", "-B", tmp_path / "build"])
    run(["cmake", "--build", tmp_path / "build", "--target", "tifed_federated"])
    ports = free_ports(DEVICES)
    lines = [f"tcp:127.0.0.1:{port}" for port in ports]
    with started(tmp_path / "build" / "tifed_federated", ports):
        for mode in ("full-network", "single-layer"):
            chosen = [*settings, f"mode={mode}"]
            linked = [*chosen, "fleet=linked", f"link.devices={lines}"]
            simulated, found = (
                run_experiment(
                    load_experiment(preset="digits", overrides=overrides),
                    out=tmp_path / mode / name,
                )
                for name, overrides in (("simulated", chosen), ("linked", linked))
            )
            assert found.digest == simulated.digest, mode
            if SHORT[0] in network:  # and not whole, as by a device that cannot make them
                whole = 3 * 2 * (64 * 12 + 12 * 10)
                assert found.bytes_up_per_device < whole / 2
