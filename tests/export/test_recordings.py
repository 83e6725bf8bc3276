"""Programs for a host that take a sensor's readings, and make their samples of them themselves."""

import csv
import socket
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tifed.experiment import Experiment, build, load_experiment
from tifed.experiment import run as run_experiment
from tifed.experiment.setup import network_for, network_of, signal_for
from tifed.export import export, model_for
from tifed.federation.device import Stream
from tifed.rule.signal import SignalFrontEnd
from tifed.rule.signal.log_mel import LogMel
from tifed.rule.signal.motion import MotionFrontEnd

from .conftest import Words
from .test_own_data import devices

DEVICES = 2
OWN = ["own_data=true", "rounds=2", f"devices={DEVICES}", "personal.rounds=1", "batch=10"]
WARNINGS = "-DCMAKE_C_FLAGS=-Wall -Wextra -Wconversion -Wshadow -Werror"
AXES, WINDOW, HOP = ("x", "y", "z"), 32, 16
Readings = dict[bytes, NDArray[Any]]
"""What a sample is made of, by its features."""


def built(
    experiment: Experiment, signal: SignalFrontEnd, folder: Path, run: Callable[..., str]
) -> Path:
    """The folder of the programs, every warning an error."""
    assert experiment.layers is not None
    network = network_of(experiment, signal.features, experiment.layers[-1])
    export(model_for(experiment, network, signal=signal), "cmake", folder / "library")
    run(["cmake", "-S", folder / "library", "-B", folder / "build", WARNINGS])
    run(["cmake", "--build", folder / "build"])
    return folder / "build"


def recorded(place: Path, stream: Stream, readings: Readings) -> Path:
    """A device's folder: what makes the samples of ``stream``, a recording for each."""
    place.mkdir()
    lines = [
        [label, *readings[sample.tobytes()].ravel().tolist()]
        for sample, label in zip(
            stream.samples[stream.order], stream.labels[stream.order].tolist(), strict=True
        )
    ]
    (place / "samples.csv").write_text("".join(f"{','.join(map(str, it))}\n" for it in lines))
    return place


def require_the_simulators_digest(
    known: Sequence[str], unknown: Sequence[str], readings: Readings, folder: Path,
    run: Callable[..., str],
) -> None:  # fmt: skip
    """Run with a data set in the simulator, and on programs that have the readings of it."""
    simulation = load_experiment(overrides=[*OWN, *known])
    simulated = run_experiment(simulation, out=folder / "simulated")
    signal = signal_for(simulation)
    assert signal is not None
    assert network_for(simulation).shape == simulation.layers
    program = built(simulation, signal, folder, run) / "tifed_federated"
    places = [
        recorded(folder / f"device{number}", stream, readings)
        for number, stream in enumerate(build(simulation).inputs.stored)
    ]
    with devices(program, places) as lines:
        linked = [*OWN, *unknown, "dataset=on-devices", "fleet=linked", f"link.devices={lines}"]
        found = run_experiment(load_experiment(overrides=linked), out=folder / "linked")
    assert found.digest == simulated.digest
    assert found.accuracy == simulated.accuracy > 0.5
    assert found.own is not None
    assert simulated.own is not None
    assert found.own.personal == simulated.own.personal is not None


@pytest.mark.slow(10)
def test_programs_that_hear_end_with_the_simulators_digest(
    words: Words, tmp_path: Path, run: Callable[..., str]
) -> None:
    folder, recordings = words
    sounds = {made: values.astype(np.int16) * 256 for made, values in recordings.items()}
    settings = ["front_end=log-mel", "layers=[200,6,2]"]
    require_the_simulators_digest([*settings, f"dataset={folder}"], settings, sounds, tmp_path, run)


@pytest.mark.slow(10)
def test_programs_that_move_end_with_the_simulators_digest(
    tmp_path: Path, run: Callable[..., str]
) -> None:
    rng, front_end, readings = np.random.default_rng(4), MotionFrontEnd(3, WINDOW, hop=HOP), {}
    with (tmp_path / "moves.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow([*AXES, "recording", "label"])
        for recording in range(40):
            times = np.arange(WINDOW + 4 * HOP)[:, np.newaxis] + rng.integers(99)
            rhythm = (0.3 + 0.4 * (recording % 2)) * np.array([1, 1.5, 2])
            moved = 4000 * np.sin(times * rhythm) + rng.normal(0, 300, (len(times), 3))
            values = np.rint(moved).astype(np.int16)
            name = "slow" if recording % 2 == 0 else "swift"
            table.writerows([*row, recording, name] for row in values.tolist())
            for begin in range(0, len(values) - WINDOW + 1, HOP):
                window = values[begin : begin + WINDOW]
                readings[front_end.compute(window).tobytes()] = window
    settings = ["front_end=motion", "layers=[45,6,2]", f"data.window={WINDOW}", f"data.hop={HOP}"]
    known = [f"dataset={tmp_path / 'moves.csv'}", "data.segment_column=recording"]
    unknown = ['data.axes=["x","y","z"]']
    require_the_simulators_digest(
        [*settings, *known], [*settings, *unknown], readings, tmp_path, run
    )


@pytest.mark.slow(5)
@pytest.mark.parametrize(
    ("signal", "wrong"),
    [
        (
            MotionFrontEnd(2, 16, hop=8),
            [
                ("2" + ",1" * 32, "does not begin with a class from -1 to 1"),
                ("x" + ",1" * 32, "does not begin with a class from -1 to 1"),
                ("0" + ",1" * 31, "does not end with a reading of the last of the 2 axes"),
                ("0" + ",1" * 30, "is shorter than a window of 16 readings of each axis"),
                ("0" + ",1" * 31 + ",32768", "has something else than readings from"),
                ("0" + ",1" * 30 + ",1.5,1", "has something else than readings from"),
            ],
        ),
        (
            LogMel(frames=8),
            [
                ("-2" + ",1" * 400, "does not begin with a class from -1 to 1"),
                ("0", "has no sound"),
                ("0" + ",1" * 2000, "is longer than 8 frames of 10 ms"),
                ("0" + ",1" * 300 + ",-32769", "has something else than samples from"),
            ],
        ),
    ],
    ids=["motion", "log-mel"],
)
def test_wrong_recordings_are_named_and_the_stand_in_is_learnt(
    signal: SignalFrontEnd,
    wrong: Sequence[tuple[str, str]],
    tmp_path: Path,
    run: Callable[..., str],
) -> None:
    experiment = Experiment(front_end=signal.name, layers=(signal.features, 12, 2), own_data=True)
    programs = built(experiment, signal, tmp_path, run)
    learnt = run([programs / "tifed_learn"]).splitlines()[-1]
    assert int(learnt.split()[0]) > 80, "the stand-in for a sensor can be learnt from"
    good = "1" + ",1,-2,3,-4" * 100
    with socket.create_server(("127.0.0.1", 0)) as taken:  # so that no program waits for a server
        port = str(taken.getsockname()[1])
        for line, message in wrong:
            (tmp_path / "samples.csv").write_text(f"{good}\n\n{line}\n")
            done = subprocess.run(
                [programs / "tifed_federated", port, tmp_path / "samples.csv"],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert done.returncode == 1, line
            assert f"recording 2 {message}" in done.stderr
