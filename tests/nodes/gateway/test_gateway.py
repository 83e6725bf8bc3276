"""Gateways as processes, with emulated boards as processes, and signal 9."""

import random
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("unicorn", reason="needs pip install 'tifed[emulator]'")

import tifed
from tifed.errors import RunError
from tifed.experiment import Progress, RunFolder, Setup, load_experiment, to_toml
from tifed.experiment.identity import identity
from tifed.federation import DeviceScore, FeatureSums, Fleet, Plan, Update
from tifed.nodes.context import DeviceSelection
from tifed.nodes.gateway import relay
from tifed.nodes.gateway.wire import receive, send
from tifed.nodes.messages.content import MessageError, message
from tifed.rule.network import Parameters

pytestmark = pytest.mark.slow(20)


@dataclass(frozen=True)
class Without:
    """A simulated fleet without some devices in some rounds, from 0."""

    fleet: Fleet
    devices: tuple[int, ...]
    rounds: range

    def calibrate(self, devices: Sequence[int], samples: int) -> Iterable[FeatureSums]:
        return self.fleet.calibrate(devices, samples)

    def fit(self, plan: Plan, parameters: Parameters) -> Iterator[Update]:
        lost = self.devices if plan.round in self.rounds else ()
        there = [device not in lost for device in plan.jobs.device.tolist()]
        yield from self.fleet.fit(replace(plan, jobs=plan.jobs.at(there)), parameters)  # type: ignore[arg-type]

    def evaluate(self, parameters: Parameters) -> Iterable[DeviceScore]:
        return self.fleet.evaluate(parameters)

    def close(self) -> None:
        self.fleet.close()


def test_one_gateway_goes_from_experiment_to_experiment(
    boards: Any, gateway: Any, behind: Any
) -> None:
    _, address = gateway(boards(3))
    epochs = ["average_every=epoch", "local_epochs=2", "faults.probability=0.4"]
    for settings in (["mode=single-layer"], [], epochs):
        experiment = load_experiment(overrides=["devices=3", "rounds=3", *settings])
        on_boards = tifed.run(experiment, fleet=behind(experiment, address))
        assert on_boards.digest == tifed.run(experiment).digest


def test_boards_behind_a_gateway_keep_to_a_bound_on_norms(
    boards: Any, gateway: Any, behind: Any
) -> None:
    _, address = gateway(boards(3))
    experiment = load_experiment(overrides=["devices=3", "rounds=3", "robust.clip=0.5"])
    on_boards = tifed.run(experiment, fleet=behind(experiment, address))
    assert on_boards.digest == tifed.run(experiment).digest
    plain = load_experiment(overrides=["devices=3", "rounds=3"])
    assert on_boards.digest != tifed.run(plain).digest


SHORT = ["compression.upload=ternary", "compression.download=ternary", "compression.coder=true"]


QUIET = [*SHORT, "link.quiet=true"]
KEPT = [*SHORT, "compression.residual=true"]


@pytest.mark.parametrize(
    ("count", "asked", "built_for"),
    [
        (3, SHORT, SHORT),
        (3, SHORT, []),
        (2, QUIET, QUIET),
        (2, QUIET, SHORT),
        (3, KEPT, KEPT),
        (2, [*KEPT, *QUIET], [*KEPT, *QUIET]),
        (2, [*SHORT, "buffers_per_round=2"], SHORT),
    ],
    ids=[
        "short",
        "whole, which it shortens",
        "quiet",
        "which answer each order",
        "residual",
        "residual, quiet",
        "buffers",
    ],
)
def test_boards_behind_a_gateway_send_short_updates(
    boards: Any, gateway: Any, behind: Any, count: int, asked: list[str], built_for: list[str]
) -> None:
    _, address = gateway(boards(count, *built_for))
    experiment = load_experiment(overrides=[f"devices={count}", "rounds=3", *asked])
    on_boards = tifed.run(experiment, fleet=behind(experiment, address))
    assert on_boards.digest == tifed.run(experiment).digest


def test_boards_behind_a_gateway_compute_a_front_end(
    boards: Any, gateway: Any, behind: Any
) -> None:
    settings = ["front_end=octants", "layers=[32,8,10]"]
    one, address = gateway(boards(2, *settings))
    experiment = load_experiment(overrides=["devices=2", "rounds=3", *settings])
    on_boards = tifed.run(experiment, fleet=behind(experiment, address))
    assert on_boards.digest == tifed.run(experiment).digest
    other = load_experiment(
        overrides=["devices=2", "rounds=1", "front_end=edges", "layers=[64,8,10]"]
    )
    with pytest.raises(RunError, match="no device answered"):
        tifed.run(other, fleet=behind(other, address))
    assert "which has the front end 'edges' of samples of 8x8x1 values, and flash it" in one.text


def test_a_gateway_sees_the_sum_over_its_boards_alone(
    boards: Any, gateway: Any, behind: Any
) -> None:
    settings = ["devices=4", "rounds=2", "layers=[64,8,10]", "privacy.device_masks=true"]
    one, address = gateway(boards(4, *settings))
    experiment = load_experiment(overrides=settings)
    on_boards = tifed.run(experiment, fleet=behind(experiment, address))
    assert on_boards.digest == tifed.run(experiment).digest
    assert "void" not in one.text
    # The boards decide: they take part in nothing where their updates would be seen.
    other = load_experiment(overrides=settings[:-1])
    with pytest.raises(RunError, match="no device answered"):
        tifed.run(other, fleet=behind(other, address))
    assert "leaves it under masks alone; set privacy.device_masks = true" in one.text


def test_gateways_killed_at_any_moment_cost_nothing(
    tmp_path: Path, boards: Any, gateway: Any, behind: Any
) -> None:
    lines = boards(4)
    gateways = [gateway(lines[:2]), gateway(lines[2:])]
    experiment = load_experiment(overrides=["devices=4", "rounds=15"])
    done, kills = threading.Event(), list[str]()

    def kill() -> None:
        while len(kills) < 4 and not done.wait(random.uniform(0.0, 0.3)):  # noqa: S311
            one, address = gateways[len(kills) % 2]
            one.kill()
            one.start()
            kills.append(address)
            # As long as it takes to start: one that is always killed before gets nowhere.
            one.says(f"boards at {address}", 1 + kills.count(address))

    killer = threading.Thread(target=kill)

    def watch(progress: Progress) -> None:
        if progress.record.round == 0:
            killer.start()

    try:
        fleet = behind(experiment, *(address for _, address in gateways))
        result = tifed.run(experiment, fleet=fleet, watch=watch, out=tmp_path / "run")
    finally:
        done.set()
        killer.join()
    assert kills
    assert result.digest == tifed.run(experiment, out=tmp_path / "plain").digest
    metrics = [(tmp_path / name / "metrics.csv").read_text() for name in ("run", "plain")]
    assert metrics[0] == metrics[1]


def test_a_board_leaves_and_comes_back(
    tmp_path: Path, boards: Any, service: Any, gateway: Any, behind: Any
) -> None:
    there = boards(2)
    goes = f"unix:{tmp_path}/goes"
    board = service("emulate", "--listen", goes)
    board.says(" is at ")
    quick = ("--silence", "2", "--look-every", "0.2")
    one, address = gateway([there[0], goes, there[1]], *quick)
    experiment = load_experiment(overrides=["devices=3", "rounds=6"])

    def watch(progress: Progress) -> None:
        if progress.record.round == 1:
            board.kill()
            # Noticed between two rounds, without a round that would need it.
            one.says(f"board {goes} has left")
        elif progress.record.round == 3:
            board.start()
            one.says(f"board {goes} is there", 2)

    out = tmp_path / "run"
    result = tifed.run(experiment, fleet=behind(experiment, address), out=out, watch=watch)

    def without(setup: Setup) -> Fleet:
        return Without(setup.fleet, (1,), range(2, 4))

    assert result.digest == tifed.run(experiment, fleet=without).digest
    answered = [row["answered"] for row in RunFolder(out).read_metrics(6)]
    assert answered == ["3", "3", "2", "2", "3", "3"]
    lost, back = RunFolder(out).read_health(6)
    assert (lost["round"], lost["device"], lost["event"]) == ("3", "1", "lost")
    assert lost["reason"].startswith(f"{goes}: cannot be opened: Connection refused")
    assert back == {"round": "5", "device": "1", "event": "back", "reason": ""}
    assert "round 3, exchange 2: 2 of 3 boards answered" in one.text
    # A run that goes on keeps what is true of the rounds before, and nothing of later ones.
    (out / "result.json").unlink()
    for path in sorted((out / "checkpoints").iterdir())[1:]:
        path.unlink()
    board.kill()
    one.says(f"board {goes} has left", 2)
    tifed.resume(out, fleet=behind(experiment, address))
    rows = [(row["round"], row["event"]) for row in RunFolder(out).read_health(6)]
    assert rows == [("3", "lost")]


def test_a_board_that_was_built_for_other_work_is_left_out(
    tmp_path: Path, boards: Any, service: Any, gateway: Any, behind: Any
) -> None:
    strange = f"unix:{tmp_path}/strange"
    service("emulate", "--listen", strange, "--set", "buffer=10").says(" is at ")
    one, address = gateway([*boards(1), strange])
    other = load_experiment(overrides=["devices=2", "rounds=1", "buffer=15"])
    with pytest.raises(RunError, match="no device answered"):
        tifed.run(other, fleet=behind(other, address))
    experiment = load_experiment(overrides=["devices=2", "rounds=1"])
    result = tifed.run(experiment, fleet=behind(experiment, address), out=tmp_path / "run")
    assert RunFolder(tmp_path / "run").read_metrics(1)[0]["answered"] == "1"
    (row,) = RunFolder(tmp_path / "run").read_health(1)
    assert row["device"] == "1"
    assert "was built for another network, recipe, buffer or mini-batch" in row["reason"]
    assert f"board {strange} has left or cannot take part" in one.text
    assert result.rounds == 1


def test_bad_requests_are_refused_and_the_gateway_goes_on(boards: Any, gateway: Any) -> None:
    one, address = gateway(boards(1))
    experiment = load_experiment(overrides=["devices=3", "rounds=1"])
    text, hello = to_toml(experiment), message("hello", identity(experiment), {})

    def refused(selection: DeviceSelection, content: Any = hello, experiment: str = text) -> str:
        with pytest.raises(MessageError) as error:
            relay.ask(address, experiment, selection, content, 60.0)
        return str(error.value)

    assert "hosts 2 devices and has 1 boards" in refused(DeviceSelection(partition=(0, 2)))
    assert "first-device: 3 is not in 0..2" in refused(DeviceSelection(first=3))
    assert "neither a first device nor a partition" in refused(DeviceSelection())
    assert "devices: " in refused(DeviceSelection(first=0), experiment="devices = 0")
    assert "has another experiment" in refused(DeviceSelection(first=0), message("hello", "x", {}))
    path = address.removeprefix("unix:")
    for words in (b"GET / HTTP/1.1\r\n", b"TFGW" + bytes([2]) + bytes(11)):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(path)
            connection.sendall(words)
            connection.settimeout(60)
            assert connection.recv(1) == b""
    one.says("whoever asked does not speak the gateway's protocol")
    one.says("whoever asked speaks version 2 of the gateway's protocol; this release speaks")
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        send(connection, {"message": 3}, {}, 60.0)
        head, _ = receive(connection, 60.0)
        assert head == {"refused": "a request has an experiment, a place and a message"}
    answer = relay.ask(address, text, DeviceSelection(first=2), hello, 60.0)
    assert answer.arrays["devices"].tolist() == [[2, 1]]
    assert one.stop() == 0
    assert not Path(path).exists()


def test_who_waits_for_a_gateway_gives_up_in_time(tmp_path: Path) -> None:
    experiment = load_experiment(overrides=["devices=1", "rounds=1"])
    hello = message("hello", identity(experiment), {})
    began = time.monotonic()
    with pytest.raises(tifed.RunError, match=r"gateway unix:.*/none cannot be reached \(.*No such"):
        relay.ask(
            f"unix:{tmp_path}/none", to_toml(experiment), DeviceSelection(first=0), hello, 1.0
        )
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(tmp_path / "deaf"))
        deaf.listen()
        with pytest.raises(tifed.RunError, match="was silent for"):
            relay.ask(
                f"unix:{tmp_path}/deaf", to_toml(experiment), DeviceSelection(first=0), hello, 1.0
            )
    with pytest.raises(tifed.UsageError, match="gateway: 'nowhere' is not"):
        relay.ask("nowhere", "", DeviceSelection(first=0), hello, 1.0)
    assert time.monotonic() - began < 60


def test_two_cannot_listen_at_one_place(boards: Any, gateway: Any, service: Any) -> None:
    lines = boards(1)
    _, address = gateway(lines)
    second = service("gateway", "--devices", lines[0], "--listen", address)
    assert second.process.wait(120) == 2
    assert f"--listen: cannot listen at {address}" in second.text
    missing = service("gateway", "--devices", "usb:3", "--listen", f"{address}2")
    assert missing.process.wait(120) == 2
    assert "--devices: 'usb:3' is not serial:/dev/…, tcp:host:port or unix:path" in missing.text
