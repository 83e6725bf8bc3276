"""The federated programs of frameworks that are not at hand, on boards that are acted out."""

import contextlib
import os
import pty
import subprocess
import time
import tty
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tifed.data import Quantisation, SampleFormat, load
from tifed.experiment import Experiment, Result, build, load_experiment
from tifed.experiment import run as run_experiment
from tifed.experiment.setup import network_for, network_of, signal_for
from tifed.export import FRAMEWORKS, Model, export, model_for
from tifed.link.giving import give_key
from tifed.link.keys import new_key, read_keys, write_keys
from tifed.rule.signal.motion import MotionFrontEnd

from .conftest import Words

pytest.importorskip("serial", reason="the extra serial brings it")
pytestmark = pytest.mark.slow(10)

ACTED = Path(__file__).parent / "acted"
DEVICES = 2
SAMPLES = 62 * DEVICES
"""As many as the programs have room for, so that none goes for a new one."""

PROGRAMS = {
    "arduino": ("Federated/Federated.ino", "c++"),
    "platformio": ("federated/src/main.cpp", "c++"),
    "zephyr": ("federated/src/main.c", "c"),
    "esp-idf": ("federated/main/main.c", "c"),
}
TEN_BITS = Quantisation("affine", (0,), (1,), (-512,), (2,))
TWELVE_BITS = Quantisation("affine", (0,), (1,), (-2048,), (4,))
"""What makes samples of an analog pin's numbers as a program without a map does."""

WHOLE = ()
SHORT = (
    "compression.upload=ternary", "compression.download=ternary", "compression.coder=true",
    "buffers_per_round=2",
)  # fmt: skip

START = 'extern "C" void app_main(void);\nint main(void) { app_main(); return 0; }\n'
WARNINGS = ("-Wall", "-Wextra", "-Werror", "-Wno-unused-function")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """An experiment with the digits 0 and 1, for boards do not have a button for each of ten."""
    file, train = tmp_path_factory.mktemp("data") / "two.npz", load("digits").train
    chosen = np.flatnonzero(train.labels < 2)
    here, there = chosen[:SAMPLES], chosen[SAMPLES:]
    np.savez(
        file, features=train.features[here], labels=train.labels[here],
        test_features=train.features[there], test_labels=train.labels[there],
    )  # fmt: skip
    return [
        f"dataset={file}", "own_data=true", "rounds=2", f"devices={DEVICES}", "layers=[64,6,2]",
        "personal.rounds=1",
    ]  # fmt: skip


def compiled(
    framework: str,
    prefix: str,
    readings: Quantisation | None,
    settings: Sequence[str],
    folder: Path,
    run: Callable[..., str],
    sealed: bool,
) -> Path:
    """The framework's federated program for samples that are values of an analog pin."""
    experiment = load_experiment(preset="digits", overrides=list(settings))
    model = model_for(experiment, network_for(experiment), samples=SampleFormat(readings))
    return built(framework, prefix, model, folder, run, sealed)


def built(
    framework: str,
    prefix: str,
    model: Model,
    folder: Path,
    run: Callable[..., str],
    sealed: bool = False,
) -> Path:
    """The framework's federated program on an acted board."""
    export(model, framework, folder / "library", prefix, sealed=sealed)
    library, layout = folder / "library", FRAMEWORKS[framework]
    name, language = PROGRAMS[framework]
    below = "" if prefix == "tifed" else f"{prefix}/"
    program = library / layout.examples / f"{below}{name}"
    places = [ACTED, ACTED / framework.replace("platformio", "arduino")]
    places += [library / layout.headers, library / layout.sources]
    includes = [f"-I{place}" for place in (*places, library / layout.headers / "tifed_link")]
    objects = []
    for source in sorted((library / layout.sources).rglob("*.c")):
        objects.append(folder / f"{source.stem}.o")
        run(["gcc", "-std=gnu11", "-O1", *includes, "-c", source, "-o", objects[-1]])
    objects.append(folder / "main.o")
    first = ["-include", "Arduino.h"] if language == "c++" else []
    standard = "-std=gnu++11" if language == "c++" else "-std=gnu11"
    compiler = ["g++" if language == "c++" else "gcc", standard, "-O1", *WARNINGS, *includes]
    run([*compiler, *first, "-x", language, "-c", program, "-o", objects[-1]])
    if framework == "esp-idf":
        (folder / "start.cpp").write_text(START)
        objects.append(folder / "start.cpp")
    run(["g++", *objects, "-o", folder / "program"])
    return folder / "program"


@contextlib.contextmanager
def boards(program: Path, places: Sequence[Path]) -> Iterator[list[str]]:
    """A board for each folder, on a serial line; its address, once it has all its samples."""
    with contextlib.ExitStack() as stack:
        lines = []
        for place in places:
            here, there = pty.openpty()
            for end in (here, there):
                tty.setraw(end)
                stack.callback(os.close, end)
            (place / "memory").touch()
            (place / "samples").write_text((place / "all").read_text())
            own = {"ACTED_SAMPLES": str(place / "samples"), "ACTED_MEMORY": str(place / "memory")}
            process = subprocess.Popen([program], stdin=here, stdout=here, env=os.environ | own)
            stack.callback(process.wait)
            stack.callback(process.kill)
            while (place / "samples").exists():
                assert process.poll() is None, f"the board has ended with {process.returncode}"
                time.sleep(0.02)
            lines.append(f"serial:{os.ttyname(there)}")
        yield lines


@pytest.mark.parametrize(
    ("framework", "prefix", "readings", "sealed", "sent"),
    [
        ("arduino", "tifed", None, True, WHOLE),
        ("arduino", "tifed", TEN_BITS, False, SHORT),
        ("platformio", "door", TEN_BITS, True, SHORT),
        ("zephyr", "door", None, True, WHOLE),
        ("zephyr", "tifed", TWELVE_BITS, False, SHORT),
        ("esp-idf", "tifed", None, False, WHOLE),
        ("esp-idf", "door", TWELVE_BITS, True, SHORT),
    ],
)
def test_boards_with_their_own_data_end_with_the_simulators_digest(
    framework: str,
    prefix: str,
    readings: Quantisation | None,
    sealed: bool,
    sent: Sequence[str],
    settings: list[str],
    tmp_path: Path,
    run: Callable[..., str],
) -> None:
    settings = [*settings, *sent]
    program = compiled(framework, prefix, readings, settings, tmp_path, run, sealed)
    simulation = load_experiment(preset="digits", overrides=settings)
    simulated = run_experiment(simulation, out=tmp_path / "simulated")
    places = []
    for number, stream in enumerate(build(simulation).inputs.stored):
        samples, labels = stream.samples[stream.order], stream.labels[stream.order]
        places.append(seen(tmp_path / f"board{number}", labels, samples))
        assert len(labels) == SAMPLES // DEVICES
    with boards(program, places) as lines:
        linked = [*settings, "dataset=on-devices", "fleet=linked", f"link.devices={lines}"]
        if sealed:
            linked.append(f"link.keys={with_keys(lines, tmp_path / 'keys')}")
        found = run_experiment(
            load_experiment(preset="digits", overrides=linked), out=tmp_path / "linked"
        )
    require_same(found, simulated)


def with_keys(lines: Sequence[str], file: Path) -> Path:
    """Give each board its key over its line; the file with the keys."""
    write_keys(file, {number: new_key() for number in range(len(lines))})
    for line, key in zip(lines, read_keys(file, "keys").values(), strict=True):
        give_key(line, key, 115_200, 60.0, lambda: None)
    return file


def seen(place: Path, labels: NDArray[np.int32], values: NDArray[np.int8]) -> Path:
    """A board's folder, with the file of what its sensor sees and what its owner says of it."""
    place.mkdir()
    rows = np.column_stack([labels, values]).tolist()
    (place / "all").write_text("".join(f"{','.join(map(str, row))}\n" for row in rows))
    return place


def require_same(found: Result, simulated: Result) -> None:
    """What boards came to is what the simulator came to."""
    assert found.digest == simulated.digest
    assert found.accuracy == simulated.accuracy
    assert found.own is not None
    assert simulated.own is not None
    # A board that could not have kept the model has no personal rounds.
    assert found.own.personal == simulated.own.personal
    assert found.own.personal is not None


@pytest.mark.parametrize("framework", PROGRAMS)
def test_a_program_for_a_motion_sensor_gives_readings_of_all_axes(
    framework: str, tmp_path: Path, run: Callable[..., str]
) -> None:
    """It starts, and takes samples: each needs a window of readings, and then a hop more."""
    signal = MotionFrontEnd(3, 32, hop=16)
    experiment = Experiment(front_end="motion", layers=(signal.features, 6, 2), own_data=True)
    network = network_of(experiment, signal.features, 2)
    program = built(framework, "door", model_for(experiment, network, signal=signal), tmp_path, run)
    (tmp_path / "memory").touch()
    # A button that is held for as many values as two samples take, then the other one for three.
    rows = [(0, (32 + 16) * 3), (1, 3 * 16 * 3)]
    text = "".join(f"{label}{',5' * count}\n" for label, count in rows)
    (tmp_path / "samples").write_text(text)
    own = {
        "ACTED_SAMPLES": str(tmp_path / "samples"), "ACTED_MEMORY": str(tmp_path / "memory"),
    }  # fmt: skip
    here, there = os.pipe()
    with subprocess.Popen(
        [program], stdin=here, stdout=subprocess.PIPE, env=os.environ | own
    ) as process:
        while (tmp_path / "samples").exists():
            assert process.poll() is None, f"the board has ended with {process.returncode}"
            time.sleep(0.02)
        process.kill()
    os.close(here)
    os.close(there)


@pytest.mark.parametrize("framework", PROGRAMS)
def test_boards_that_hear_sound_end_with_the_simulators_digest(
    framework: str,
    words: Words,
    tmp_path: Path,
    run: Callable[..., str],
) -> None:
    settings = [
        "front_end=log-mel", "layers=[200,6,2]", "own_data=true", "rounds=2", f"devices={DEVICES}",
        "personal.rounds=1",
    ]  # fmt: skip
    folder, recordings = words
    simulation = load_experiment(overrides=[*settings, f"dataset={folder}"])
    simulated = run_experiment(simulation, out=tmp_path / "simulated")
    model = model_for(simulation, network_for(simulation), signal=signal_for(simulation))
    program = built(framework, "door", model, tmp_path, run)
    places = []
    for number, stream in enumerate(build(simulation).inputs.stored):
        samples = stream.samples[stream.order]
        heard = np.stack([recordings[features.tobytes()] for features in samples])
        places.append(seen(tmp_path / f"board{number}", stream.labels[stream.order], heard))
        assert len(heard) == SAMPLES // DEVICES
    with boards(program, places) as lines:
        linked = [*settings, "dataset=on-devices", "fleet=linked", f"link.devices={lines}"]
        found = run_experiment(load_experiment(overrides=linked), out=tmp_path / "linked")
    require_same(found, simulated)
    assert found.accuracy > 0.5
