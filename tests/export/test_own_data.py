"""The federated programs with data of their own: whole runs, in which nobody here has a sample."""

import contextlib
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tifed.data import load
from tifed.errors import UsageError
from tifed.experiment import Result, build, load_experiment
from tifed.experiment import run as run_experiment
from tifed.export import Model, export
from tifed.export.own_data import LEAST_CALIBRATION, LEAST_EVALUATION, store_bytes, store_records
from tifed.federation.device import Stream
from tifed.rule.learning import classify
from tifed.rule.network import load_model

DEVICES = 4
OWN = ["own_data=true", "rounds=4", f"devices={DEVICES}", "held_out_every=4"]
PERSONAL = ["personal.rounds=2"]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Model], Path]:
    """A function that gives the program for a host, compiled once for each model's settings."""
    made: dict[str, Path] = {}

    def compiled(model: Model) -> Path:
        key = str(model.experiment)
        if key not in made:
            folder = tmp_path_factory.mktemp("program")
            export(model, "cmake", folder / "library")
            for command in (f"-S {folder}/library -B {folder}/build",
                            f"--build {folder}/build --target tifed_federated"):  # fmt: skip
                subprocess.run(["cmake", *command.split()], check=True, capture_output=True)
            made[key] = folder / "build/tifed_federated"
        return made[key]

    return compiled


@contextlib.contextmanager
def devices(program: Path, places: Sequence[Path]) -> Iterator[list[str]]:
    """A process for each folder, with the samples and the model that are there; their addresses."""
    with contextlib.ExitStack() as stack:
        lines = []
        for place, port in zip(places, free_ports(len(places)), strict=True):
            process = subprocess.Popen([program, str(port), place / "samples.csv", place / "model"])
            stack.callback(process.wait)
            stack.callback(process.kill)
            awaited(process, port)
            lines.append(f"tcp:127.0.0.1:{port}")
        yield lines


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


def awaited(process: "subprocess.Popen[bytes]", port: int) -> None:
    """Until the program listens."""
    while process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise AssertionError(f"the device has ended with {process.returncode}")


def written(place: Path, samples: NDArray[np.int8], labels: NDArray[np.int32]) -> Path:
    """The file that stands for a sensor and its owner."""
    place.mkdir(exist_ok=True)
    lines = [",".join(map(str, [label, *sample])) for sample, label in zip(
        samples.tolist(), labels.tolist(), strict=True)]  # fmt: skip
    (place / "samples.csv").write_text("".join(f"{line}\n" for line in lines))
    return place


def stored(place: Path, stream: Stream) -> Path:
    """What the simulator's device has, in the order in which it came, and raw."""
    return written(place, load("digits").train.features[stream.order], stream.labels[stream.order])


def ran(settings: Sequence[str], out: Path) -> Result:
    return run_experiment(load_experiment(preset="digits", overrides=list(settings)), out=out)


@pytest.mark.slow(20)
@pytest.mark.parametrize(
    ("layers", "settings"),
    [
        ("[64,12,10]", PERSONAL),
        ("[64,12,10]", ["mode=single-layer"]),
        ("[32,12,10]", ["front_end=octants", *PERSONAL]),
    ],
    ids=["personal", "single-layer", "front end"],
)
def test_a_run_on_devices_ends_with_the_simulators_digest(
    layers: str,
    settings: list[str],
    tmp_path: Path,
    make_model: Callable[..., Model],
    program: Callable[[Model], Path],
) -> None:
    chosen = [*OWN, *settings, f"layers={layers}"]
    simulated = ran(chosen, tmp_path / "simulated")
    inputs = build(load_experiment(preset="digits", overrides=chosen)).inputs
    places = [stored(tmp_path / f"d{i}", one) for i, one in enumerate(inputs.stored)]
    shape = ["data.image_shape=[8,8,1]"] if "front_end=octants" in settings else []
    with devices(program(make_model(*chosen)), places) as lines:
        linked = [*chosen, *shape, "dataset=on-devices", "fleet=linked", f"link.devices={lines}"]
        found = ran(linked, tmp_path / "linked")
    assert found.digest == simulated.digest
    assert found.accuracy == simulated.accuracy
    assert found.own is not None
    assert simulated.own is not None
    assert found.own.personal == simulated.own.personal
    assert found.accuracy > 0.5, "it has learnt something"


@pytest.mark.slow(10)
def test_the_model_stays_over_a_restart_and_classifies(
    tmp_path: Path, make_model: Callable[..., Model], program: Callable[[Model], Path]
) -> None:
    chosen = [*OWN, "layers=[64,12,10]"]
    inputs = build(load_experiment(preset="digits", overrides=chosen)).inputs
    places = [stored(tmp_path / f"d{i}", one) for i, one in enumerate(inputs.stored)]
    model = program(make_model(*chosen))
    with devices(model, places) as lines:
        linked = [*chosen, "dataset=on-devices", "fleet=linked", f"link.devices={lines}"]
        ran(linked, tmp_path / "run")
    network, parameters = load_model(tmp_path / "run/model.safetensors")
    stream = inputs.held_out[0]
    samples, labels = stream.own()
    unlabelled = np.full(len(labels), -1, np.int32)
    for restart in range(2):
        written(places[0], samples, unlabelled)
        lines = said(model, places[0], len(samples))
        classes = classify(network, parameters, samples)
        sure = [line != "unknown" for line in lines]
        assert [line for line in lines if line != "unknown"] == [
            f"class {c}" for c, s in zip(classes, sure, strict=True) if s
        ]
        assert 0.5 < np.mean(sure) < 1.0
        right = classes == labels
        assert np.mean(right[np.array(sure)]) > np.mean(right), "what it is sure of is truer"
    # A device without a model knows nothing.
    (places[0] / "model").unlink()
    assert set(said(model, places[0], len(samples))) == {"unknown"}


def said(program: Path, place: Path, count: int) -> list[str]:
    """What a device takes each line of its file for, when it starts."""
    (port,) = free_ports(1)
    command = [str(program), str(port), str(place / "samples.csv"), str(place / "model")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline().strip() for _ in range(count)]
        process.kill()
    return lines


SIZES = """\
#include <stdio.h>
#include "tifed_kept.h"
#include "tifed_model.h"
#include "tifed_store.h"

int main(void)
{
    tifed_policy usual = TIFED_DEVICE_POLICY;
    printf("%lu %lu ", 1ul * tifed_kept_size(&tifed_model_config), 1ul * TIFED_MODEL_SLOTS);
    printf("%lu ", 1ul * TIFED_STORE_BYTES(TIFED_MODEL_INPUTS, 62u) +
                       sizeof(tifed_store_entry) * TIFED_STORE_ENTRIES(62u));
    printf("%lu %lu", 1ul * usual.least_calibration, 1ul * usual.least_evaluation);
    return 0;
}
"""


@pytest.mark.slow(5)
@pytest.mark.parametrize(
    "settings",
    [
        ["layers=[64,12,10]"],
        ["layers=[64,13,9,10]", "recipe_settings.weight_bits=8"],
        ["layers=[64,12,10]", "recipe_settings.centred=false"],
    ],
)
def test_memory_for_the_model_is_as_much_as_it_takes(
    settings: list[str], tmp_path: Path, make_model: Callable[..., Model], run: Callable[..., str]
) -> None:
    export(make_model(*settings), "cmake", tmp_path / "library")
    (tmp_path / "main.c").write_text(SIZES)
    places = [tmp_path / "library" / name for name in ("include", "src", "include/tifed_link")]
    sources = sorted((tmp_path / "library/src").rglob("*.c"))
    program = tmp_path / "program"
    run(["gcc", "-std=c99", *(f"-I{place}" for place in places), tmp_path / "main.c", *sources,
         "-o", program])  # fmt: skip
    needed, given, store, calibration, evaluation = map(int, run([program]).split())
    assert needed == given
    assert store == store_bytes(62, 64)
    readme = (tmp_path / "library/README.md").read_text()
    assert f"keeps 62 labelled samples of its own, in {store:,} bytes of RAM" in readme
    assert f"{needed:,} bytes of memory that should outlive a reset" in readme
    assert (calibration, evaluation) == (LEAST_CALIBRATION, LEAST_EVALUATION)


@pytest.mark.parametrize("held_out_every", [2, 3, 5, 20, 1000])
@pytest.mark.parametrize("buffer", [10, 200])
def test_a_store_has_room_for_what_the_policy_asks(held_out_every: int, buffer: int) -> None:
    records = store_records(held_out_every, buffer)
    held_out = records // held_out_every
    assert held_out >= LEAST_EVALUATION
    assert records - held_out >= max(LEAST_CALIBRATION, buffer)
    fewer = records - 1
    assert fewer // held_out_every < LEAST_EVALUATION or fewer - fewer // held_out_every < max(
        LEAST_CALIBRATION, buffer
    ), "and for no more"


@pytest.mark.slow(5)
def test_wrong_samples_are_named(
    tmp_path: Path, make_model: Callable[..., Model], program: Callable[[Model], Path]
) -> None:
    device = program(make_model(*OWN, "layers=[64,12,10]"))
    good = ",".join(["3", *["-128"] * 64])
    for line, text in (("10" + good[1:], "class beyond the last"), (good + "\n3,1", "too few"),
                       (good[:-4] + "128", "too large"), ("x", "no number")):  # fmt: skip
        (tmp_path / "samples.csv").write_text(f"{good}\n{line}\n")
        done = subprocess.run(
            [device, "1", tmp_path / "samples.csv"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 1, text
        assert "is not a class and 64 values from -128 to 127" in done.stderr, text
    done = subprocess.run(
        [device, "1", tmp_path / "none"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "none: No such file" in done.stderr


@pytest.mark.slow(5)
def test_a_device_for_its_own_data_is_sent_no_samples(
    tmp_path: Path, make_model: Callable[..., Model], program: Callable[[Model], Path]
) -> None:
    chosen = [*OWN, "layers=[64,12,10]"]
    inputs = build(load_experiment(preset="digits", overrides=chosen)).inputs
    places = [stored(tmp_path / f"d{i}", one) for i, one in enumerate(inputs.stored)]
    with devices(program(make_model(*chosen)), places) as lines:
        sent = ["rounds=1", f"devices={DEVICES}", "layers=[64,12,10]", "fleet=linked",
                f"link.devices={lines}"]  # fmt: skip
        with pytest.raises((UsageError, RuntimeError), match="own"):
            ran(sent, tmp_path / "sent")
