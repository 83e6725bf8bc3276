"""What somebody tries who reaches a gateway: real processes, emulated boards, real sockets."""

import json
import socket
import struct
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("unicorn", reason="needs pip install 'tifed[emulator]'")

import tifed
from tifed.errors import RunError
from tifed.experiment import Experiment, Progress, build, load_experiment, to_toml
from tifed.experiment.identity import identity
from tifed.federation import Plan, begin
from tifed.nodes.context import DeviceSelection
from tifed.nodes.gateway import relay
from tifed.nodes.gateway.wire import receive, send
from tifed.nodes.messages.content import Content, MessageError, fit_message, job_runs, message

pytestmark = pytest.mark.slow(60)

FIRST = DeviceSelection(first=0)
PATIENCE = 300.0


def asked(address: str, experiment: Experiment, content: Content) -> Content:
    return relay.ask(address, to_toml(experiment), FIRST, content, PATIENCE)


def hello(experiment: Experiment) -> Content:
    return message("hello", identity(experiment), {})


def first_plan(experiment: Experiment) -> tuple[Plan, Any]:
    setup = build(experiment)
    state, _ = begin(setup.federation, setup.fleet, setup.start)
    return next(setup.federation.plans(state)), state.parameters


def fit(experiment: Experiment, plan: Plan, parameters: Any) -> Content:
    content = fit_message(identity(experiment), plan, parameters)
    content.arrays["jobs"] = job_runs(plan.jobs)
    return content


def test_sums_of_a_few_samples_and_endless_work_are_refused(boards: Any, gateway: Any) -> None:
    """Sums over 1, 2, 3 samples differ by a sample each; 2**31 steps keep a board for good."""
    _, address = gateway(boards(1))
    experiment = load_experiment(overrides=["devices=1", "rounds=2"])
    name = identity(experiment)
    for samples in range(1, 12):
        sums = message("calibrate", name, {"devices": np.array([[0, 1]])}, samples=samples)
        refusal = asked(address, experiment, sums).values["refused"]
        assert refusal.startswith(f"will not sum {samples} samples of each device: this")
    few = load_experiment(
        overrides=["devices=1", "rounds=2", "recipe=tuned", "recipe_settings.calibration=3"]
    )
    sums = message("calibrate", identity(few), {"devices": np.array([[0, 1]])}, samples=3)
    refusal = asked(address, few, sums).values["refused"]
    assert refusal == "will not sum 3 samples of a device: its owner asks for at least 50"

    plan, parameters = first_plan(experiment)
    for column, value in (("steps", 1 << 31), ("samples", 1), ("position", 7)):
        jobs = replace(plan.jobs, **{column: np.array([value])})
        refusal = asked(address, experiment, fit(experiment, replace(plan, jobs=jobs), parameters))
        assert f"will not train device 0 with {column} {value}: this" in refusal.values["refused"]
    assert asked(address, experiment, fit(experiment, plan, parameters)).kind == "fit"


def test_a_strangers_experiment_opens_no_file_and_learns_of_none(
    tmp_path: Path, boards: Any, gateway: Any
) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("name,label\nthe-secret-word,1\n")
    served = tmp_path / "served"
    served.mkdir()
    (served / "mine.csv").write_text("a,label\n1,0\nanother-secret,1\n")
    (served / "way-out.csv").symlink_to(secret)
    one, address = gateway(boards(1), "--data-dir", str(served))

    def refused(*settings: str) -> str:
        experiment = load_experiment(overrides=["devices=1", *settings])
        with pytest.raises(MessageError) as error:
            asked(address, experiment, hello(experiment))
        return str(error.value)

    for place in (secret, tmp_path / "none.csv", served / "way-out.csv", served / "../secret.csv"):
        reason = refused(f"dataset={place}")
        assert "is not in the folder whose files may be used here" in reason
        assert "secret-word" not in reason
    reason = refused(f"extractor={secret}", "layers=[64,8,10]")
    assert reason.startswith("extractor: ")
    assert "is not in the folder" in reason
    reason = refused("dataset=mine.csv")
    assert reason == (
        "the experiment cannot be built with the files of this machine; the log here says why"
    )
    one.says("another-secret")


def test_those_who_ask_for_nothing_keep_nobody_out(boards: Any, gateway: Any) -> None:
    _, address = gateway(boards(1))
    experiment = load_experiment(overrides=["devices=1"])
    idle = []
    try:
        for _ in range(40):
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(PATIENCE)
            connection.connect(address.removeprefix("unix:"))
            idle.append(connection)
        with socket.socket(socket.AF_UNIX) as mine:
            mine.connect(address.removeprefix("unix:"))
            head = {
                "experiment": to_toml(experiment), "place": {"first": 0},
                "message": dict(hello(experiment).values),
            }  # fmt: skip
            send(mine, head, {}, PATIENCE)
            answer: dict[str, Any] = {}
            while "message" not in answer:  # not closed: its one connection is enough
                answer, arrays = receive(mine, PATIENCE)
            assert arrays["devices"].tolist() == [[0, 1]]
        assert idle[0].recv(1) == b""
    finally:
        for connection in idle:
            connection.close()


def test_unfinished_requests_fill_no_memory(boards: Any, gateway: Any) -> None:
    one, address = gateway(boards(1))
    size = 250 << 20
    piece = bytes(1 << 20)
    lost = []

    def flood() -> None:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(address.removeprefix("unix:"))
            connection.settimeout(PATIENCE)
            try:
                connection.sendall(struct.pack("<4sB3xII", b"TFGW", 1, 2, size) + b"{}")
                for _ in range(size // len(piece) - 1):
                    connection.sendall(piece)
                connection.recv(1)
            except OSError:
                lost.append(connection)

    floods = [threading.Thread(target=flood) for _ in range(4)]
    for thread in floods:
        thread.start()
    experiment = load_experiment(overrides=["devices=1"])
    assert asked(address, experiment, hello(experiment)).kind == "hello"
    for thread in floods:
        thread.join()
    one.says("others want something as well")
    status = Path(f"/proc/{one.process.pid}/status").read_text()
    (most,) = (int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    assert most < 1_200_000  # KiB: with the interpreter, and a copy of one frame


def test_work_ends_when_nobody_waits_for_it(boards: Any, gateway: Any) -> None:
    # So many that they are at work for longer than a gateway takes to notice.
    one, address = gateway(boards(6))
    endless = load_experiment(overrides=["devices=6", "rounds=3", "local_epochs=1000"])
    plan, parameters = first_plan(endless)
    content = fit(endless, plan, parameters)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address.removeprefix("unix:"))
        head = {
            "experiment": to_toml(endless), "place": {"first": 0}, "message": dict(content.values),
        }  # fmt: skip
        send(connection, head, content.arrays, PATIENCE)
        assert receive(connection, PATIENCE)[0] == {"working": True}
    one.says("whoever asked is gone: the work is given up")
    short = load_experiment(overrides=["devices=6", "rounds=3"])
    plan, parameters = first_plan(short)
    answer = asked(address, short, fit(short, plan, parameters))
    assert answer.arrays["devices"].tolist() == [[0, 6]]
    # The other one was not done to its end.
    assert one.text.count("6 of 6 boards answered") == 1


def test_another_experiment_does_not_unseat_a_running_one(
    boards: Any, gateway: Any, behind: Any
) -> None:
    _, address = gateway(boards(2), "--hold", "600")
    experiment = load_experiment(overrides=["devices=2", "rounds=3"])
    other = load_experiment(overrides=["devices=2", "rounds=3", "seed=9"])
    seen = []

    def watch(progress: Progress) -> None:
        if progress.record.round == 1:
            with pytest.raises(RunError) as error:
                relay.ask(address, to_toml(other), FIRST, hello(other), PATIENCE, patience=0.1)
            seen.append(str(error.value))

    result = tifed.run(experiment, fleet=behind(experiment, address), watch=watch)
    assert result.digest == tifed.run(experiment).digest
    assert [f"at work on experiment {identity(experiment)[:8]}" in text for text in seen] == [True]
    # After its last round, and not before.
    assert asked(address, other, hello(other)).kind == "hello"


def test_what_is_no_request_is_no_way_in(boards: Any, gateway: Any) -> None:
    _, address = gateway(boards(1))
    experiment = load_experiment(overrides=["devices=1"])
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address.removeprefix("unix:"))
        text = json.dumps({"experiment": 'dataset = "/etc/passwd"', "place": {"first": 0},
                           "message": {}}).encode()  # fmt: skip
        body = struct.pack("<Q", 2) + b"{}"
        connection.sendall(struct.pack("<4sB3xII", b"TFGW", 1, len(text), len(body)) + text + body)
        head, _ = receive(connection, PATIENCE)
        assert "is not in the folder" in head["refused"]
        assert "root" not in head["refused"].replace("/etc/passwd", "")
    assert Path(address.removeprefix("unix:")).stat().st_mode & 0o777 == 0o600
    assert asked(address, experiment, hello(experiment)).kind == "hello"
