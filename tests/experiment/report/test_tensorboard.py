"""Event files, read back as TensorBoard reads them: length-framed protobuf records."""

import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("tensorboardX", reason="needs pip install 'tifed[tensorboard]'")

import tifed
from tifed.experiment import Experiment, RunFolder
from tifed.experiment.report.tensorboard import FOLDER, EventFiles

COMMAND = [sys.executable, "-c", "from tifed.cli import main; main()"]


def scalars(folder: Path) -> dict[tuple[str, int], float]:
    """Every value in the event files, by name and round."""
    from tensorboardX.proto.event_pb2 import Event

    found = {}
    for path in sorted((folder / FOLDER).iterdir()):
        data, place = path.read_bytes(), 0
        while place + 12 < len(data):
            (length,) = struct.unpack_from("<Q", data, place)
            if place + 16 + length > len(data):
                break  # is being written
            event = Event.FromString(data[place + 12 : place + 12 + length])
            place += 16 + length
            for value in event.summary.value:
                found[value.tag, event.step] = value.simple_value
    return found


@pytest.mark.slow(3)
def test_rounds_are_on_the_disk_while_the_run_goes_on(tmp_path: Path) -> None:
    seen = []
    experiment = Experiment(rounds=3, evaluate_every=2)
    with EventFiles(tmp_path) as events:

        def watch(progress: object) -> None:
            events.watch(progress)  # type: ignore[arg-type]
            done = progress.record.round + 1  # type: ignore[attr-defined]
            until = time.monotonic() + 300
            while ("training_error", done) not in scalars(tmp_path):
                assert time.monotonic() < until, "the round is not on the disk"
                time.sleep(0.1)
            seen.append(done)

        tifed.run(experiment, out=tmp_path, watch=watch)
    assert seen == [1, 2, 3]
    rows = RunFolder(tmp_path).read_metrics(3)
    expected = {
        (name, int(row["round"])): pytest.approx(float(text), rel=1e-5, abs=1e-6)
        for row in rows
        for name, text in row.items()
        if text and name != "round"
    }
    assert scalars(tmp_path) == expected

    with EventFiles(tmp_path / "rows") as events:
        for row in rows:
            events.watch_row(row)
    assert scalars(tmp_path / "rows") == expected


@pytest.mark.slow(15)
def test_the_command_writes_them_and_a_resumed_run_adds_to_them(tmp_path: Path) -> None:
    run = ["run", "--set", "rounds=2", "--out", str(tmp_path / "run"), "--tensorboard"]
    subprocess.run([*COMMAND, *run], check=True, capture_output=True)
    assert {number for _, number in scalars(tmp_path / "run")} == {1, 2}
    for path in sorted((tmp_path / "run/checkpoints").iterdir())[1:]:
        path.unlink()
    again = ["run", "--resume", str(tmp_path / "run"), "--tensorboard"]
    subprocess.run([*COMMAND, *again], check=True, capture_output=True)
    assert len(list((tmp_path / "run" / FOLDER).iterdir())) == 2
    assert {number for _, number in scalars(tmp_path / "run")} == {1, 2}
