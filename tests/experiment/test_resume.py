"""A run that is killed at any moment goes on to the same digest."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from tifed import Experiment, resume, run
from tifed.errors import RunError, UsageError
from tifed.experiment import load_experiment
from tifed.experiment.report import write_report
from tifed.federation.checkpoint_file import _checksum
from tifed.files.tensor_file import header_and_arrays

# Runs the preset, but waits before it is past a round: a test that is slow to kill it is in time.
RUN_AND_WAIT = """
import sys, time
import tifed
from tifed.experiment import load_experiment

def watch(progress):
    while progress.record.round >= int(sys.argv[2]):
        time.sleep(60)

tifed.run(load_experiment(preset="digits"), out=sys.argv[1], watch=watch)
"""


@pytest.mark.slow(15)
@pytest.mark.parametrize("checkpoints", [0, 1, 7, 40])
def test_kill_nine_and_resume(tmp_path: Path, checkpoints: int) -> None:
    folder = tmp_path / "run"

    def due() -> bool:
        kept = (folder / "checkpoints").glob("round-*.safetensors")
        newest = max((int(path.stem[6:]) for path in kept), default=0)
        return (folder / "experiment.toml").exists() and newest >= checkpoints

    process = subprocess.Popen([sys.executable, "-c", RUN_AND_WAIT, folder, str(checkpoints + 3)])
    while not due() and process.poll() is None:
        time.sleep(0.001)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (folder / "result.json").exists()
    whole = run(load_experiment(preset="digits"), out=tmp_path / "whole")
    assert resume(folder).digest == whole.digest
    assert (folder / "metrics.csv").read_text() == (tmp_path / "whole/metrics.csv").read_text()


@pytest.fixture
def stopped(tmp_path: Path) -> Path:
    """A run that was stopped after four of six rounds."""

    class StopHere(Exception):
        pass

    def watch(progress: object) -> None:
        if progress.record.round == 3:  # type: ignore[attr-defined]
            raise StopHere

    with pytest.raises(StopHere):
        run(Experiment(rounds=6), out=tmp_path / "run", watch=watch)
    return tmp_path / "run"


def test_a_damaged_checkpoint_is_named_and_the_one_before_it_used(stopped: Path) -> None:
    newest = stopped / "checkpoints/round-000004.safetensors"
    data = bytearray(newest.read_bytes())
    data[len(data) // 2] ^= 1
    newest.write_bytes(data)
    warnings: list[str] = []
    result = resume(stopped, warn=warnings.append)
    assert len(warnings) == 1
    assert "round-000004.safetensors: damaged" in warnings[0]
    assert result.digest == run(Experiment(rounds=6)).digest


@pytest.mark.parametrize("learner", ["recipe=tuned", "baseline=float-fedavg"])
def test_a_sound_file_that_is_no_state_of_the_run_is_passed_over(
    tmp_path: Path, learner: str
) -> None:
    """Another release, or another program, may have written arrays of other types."""
    experiment = load_experiment(overrides=["rounds=3", learner])
    whole = run(experiment, out=tmp_path / "run")
    newest = tmp_path / "run/checkpoints/round-000003.safetensors"
    header, arrays = header_and_arrays(newest)
    arrays = {
        name: array.astype(np.float64) if name != "turns" else array
        for name, array in arrays.items()
    }
    header["checksum"] = _checksum(arrays, header)
    newest.write_bytes(save(arrays, header))
    warnings: list[str] = []
    assert resume(tmp_path / "run", warn=warnings.append).digest == whole.digest
    (warning,) = warnings
    assert "round-000003.safetensors: damaged (" in warning
    assert "float64" in warning
    assert warning.endswith("trying the one before it")


def test_without_a_sound_checkpoint_it_says_so(stopped: Path) -> None:
    for path in (stopped / "checkpoints").iterdir():
        path.write_bytes(b"")
    with pytest.raises(RunError, match="no sound checkpoint; start a new run"):
        resume(stopped)


def test_a_changed_experiment_is_refused(stopped: Path) -> None:
    path = stopped / "experiment.toml"
    path.write_text(path.read_text().replace("seed = 1", "seed = 2"))
    with pytest.raises(UsageError, match="another experiment or other data"):
        resume(stopped)


def test_a_finished_run_resumes_to_itself(tmp_path: Path) -> None:
    result = run(Experiment(rounds=2), out=tmp_path / "run")
    assert resume(tmp_path / "run").digest == result.digest


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds no run \(no experiment\.toml\)"):
        resume(tmp_path)


def test_a_run_that_goes_on_keeps_its_energy_shift(tmp_path: Path, by_energy: str) -> None:
    experiment = Experiment(rounds=4, recipe=by_energy, recipe_settings={"shift": 2})
    whole = run(experiment, out=tmp_path / "run")
    assert (whole.energy_shift, whole.energy is not None) == (2, True)
    (tmp_path / "run/checkpoints/round-000004.safetensors").unlink()
    for name in ("result.json", "model.safetensors"):
        (tmp_path / "run" / name).unlink()
    again = resume(tmp_path / "run")
    assert (again.digest, again.energy, again.energy_shift) == (whole.digest, whole.energy, 2)
    write_report(tmp_path / "run")
    text = " ".join((tmp_path / "run/report.html").read_text().split())
    assert f"The input's energy is {whole.energy:,}: the mean over the samples" in text
    assert "By it the recipe adds 2 to the first layer's update shift." in text
