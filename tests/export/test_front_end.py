"""Libraries with a front end: raw samples go in, and C says of them what Python says."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import typer
from numpy.typing import NDArray
from typer.testing import CliRunner

from tifed.cli.export import export as export_command
from tifed.data import load
from tifed.errors import UsageError
from tifed.experiment import Experiment
from tifed.experiment import run as run_experiment
from tifed.experiment.setup import network_of
from tifed.export import FRAMEWORKS, Model, export, model_for, require_same_front_end
from tifed.extractor import Convolution, Extractor, MaxPool, oracle
from tifed.plan.front_end_costs import STREAM
from tifed.rule.front_end import EDGE_FRONT_ENDS, FrontEnd, front_end_memory
from tifed.rule.learning import classify
from tifed.rule.network import Parameters, load_model, model_front_end

SANITIZED = ("-fsanitize=address,undefined", "-fno-sanitize-recover")

MAIN = """\
#include <stdio.h>
#include "tifed_model.h"

static const int8_t samples[][TIFED_MODEL_INPUTS] = {%s};

int main(void)
{
    static tifed t;
    if (tifed_model_start(&t) != TIFED_OK)
        return 1;
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        const int8_t *features = tifed_model_features(samples[i]);
        for (uint32_t at = 0; features && at < TIFED_MODEL_FEATURES; at++)
            printf("%%d ", features[at]);
        printf("%%ld\\n", (long)tifed_model_classify(&t, samples[i]));
    }
    return 0;
}
"""

app = typer.Typer()
app.command()(export_command)


def said(
    model: Model, samples: NDArray[np.int8], folder: Path, run: Callable[..., str]
) -> NDArray[np.int64]:
    """Features of each raw sample and its class (N, F + 1), by the library's C."""
    export(model, "cmake", folder / "library")
    rows = ("{" + ",".join(map(str, sample)) + "}" for sample in samples)
    (folder / "main.c").write_text(MAIN % ",".join(rows))
    library, program = folder / "library", folder / "program"
    places = [library / "include", library / "src", library / "include/tifed_link"]
    run(
        ["gcc", "-std=c99", "-O1", "-Wall", "-Wextra", "-Werror", *SANITIZED,
         *(f"-I{place}" for place in places), folder / "main.c",
         *sorted(library.glob("src/**/*.c")), "-o", program]
    )  # fmt: skip
    lines = run([program]).splitlines()
    return np.array([line.split() for line in lines], np.int64)


@pytest.mark.slow(3)
@pytest.mark.parametrize("name", EDGE_FRONT_ENDS)
def test_raw_samples_are_classified_as_python_does(
    name: str, tmp_path: Path, run: Callable[..., str]
) -> None:
    front_end = FrontEnd(name, (8, 8, 1))
    experiment = Experiment(front_end=name, rounds=12, layers=(front_end.features, 32, 10))
    result = run_experiment(experiment, out=tmp_path / "run")
    network, parameters = load_model(tmp_path / "run/model.safetensors")
    model = model_for(experiment, network, None, (network, parameters), front_end=front_end)
    test = load("digits").test
    features = front_end.compute(test.features)
    found = said(model, test.features, tmp_path, run)
    assert np.array_equal(found[:, :-1], features)
    assert np.array_equal(found[:, -1], classify(network, parameters, features))
    assert np.mean(found[:, -1] == test.labels) == pytest.approx(result.accuracy)
    assert result.accuracy > 0.5, "it has learnt something"


@pytest.mark.slow(2)
def test_an_extractor_may_follow(tmp_path: Path, run: Callable[..., str]) -> None:
    front_end = FrontEnd("edges", (8, 8, 1))
    rng = np.random.default_rng(1)
    weights = rng.integers(-64, 65, (3, 3, 3, 4)).astype(np.int8)
    layer = Convolution(weights, np.zeros(3, np.int32), np.full(3, 8, np.uint8), padding=1)
    extractor = Extractor(front_end.output_shape, 0, (layer, MaxPool(2, 2)))
    experiment = Experiment(front_end="edges", layers=(12, 8, 10), extractor="behind")
    network = network_of(experiment, 12, 10)
    drawn = experiment.build_recipe().start_parameters(network, 7)
    biases = tuple(rng.integers(-99, 99, bias.shape).astype(np.int16) for bias in drawn.biases)
    centre = rng.integers(-20, 20, 12).astype(np.int8)
    large = tuple(
        rng.integers(-900, 901, weight.shape).astype(np.int16) for weight in drawn.weights
    )
    parameters = Parameters(centre, large, biases)
    model = model_for(
        experiment, network, None, (network, parameters), extractor, front_end=front_end
    )
    samples = load("digits").test.features[:50]
    found = said(model, samples, tmp_path, run)
    features = oracle.extract(extractor, front_end.compute(samples))
    assert np.array_equal(found[:, :-1], features)
    assert np.array_equal(found[:, -1], classify(network, parameters, features))
    assert len(set(found[:, -1].tolist())) > 1
    readme = (tmp_path / "library/README.md").read_text()
    assert "by the front end `edges` and an\nextractor" in readme


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_layout_says_that_samples_are_raw(
    framework: str, tmp_path: Path, make_model: Callable[..., Model]
) -> None:
    model = make_model("front_end=octants", "layers=[32,12,10]")
    exported = export(model, framework, tmp_path / "library")
    front_end = FrontEnd("octants", (8, 8, 1))
    assert exported.features_ram == front_end_memory(front_end).total + STREAM + 32
    mark = json.loads((tmp_path / "library/tifed-export.json").read_text())["models"][0]["about"]
    assert (mark["front_end"], mark["front_end_digest"]) == ("octants", front_end.digest)
    layout = FRAMEWORKS[framework]
    header = (tmp_path / "library" / layout.headers / "tifed_model.h").read_text()
    assert "#define TIFED_MODEL_INPUTS 64u" in header
    assert "#define TIFED_MODEL_FEATURES 32u" in header
    assert front_end.digest[:16] in header
    device = tmp_path / "library" / layout.headers / "tifed_link/device.h"
    assert device.read_text().startswith("#define TIFED_DEVICE_FRONT_END 1\n")
    readme = (tmp_path / "library/README.md").read_text()
    assert "A sample is 64 values of `int8_t` (8 \N{MULTIPLICATION SIGN} 8 " in readme
    assert "by the front end `octants`" in readme


def test_a_model_file_names_its_front_end(tmp_path: Path) -> None:
    pixels, edges = Experiment(rounds=1), Experiment(rounds=1, front_end="edges")
    for name, experiment in (("pixels", pixels), ("edges", edges)):
        run_experiment(experiment, out=tmp_path / name)
    files = {name: tmp_path / name / "model.safetensors" for name in ("pixels", "edges")}
    assert model_front_end(files["pixels"]) is None
    assert model_front_end(files["edges"]) == "edges"
    # The networks are of one shape: nothing else would tell them apart.
    assert load_model(files["pixels"])[0] == load_model(files["edges"])[0]
    require_same_front_end(files["edges"], edges)
    require_same_front_end(files["pixels"], pixels)
    runner, library = CliRunner(), str(tmp_path / "library")
    for name, settings, message in (
        ("edges", [], "learnt from the features of the front end 'edges', but the experiment's "
         "front_end is none"),
        ("pixels", ["--set", "front_end=edges"], "learnt from raw samples, but the experiment's "
         "front_end is 'edges'"),
    ):  # fmt: skip
        done = runner.invoke(app, [library, "--parameters", str(files[name]), *settings])
        assert isinstance(done.exception, UsageError), done.output
        assert message in str(done.exception)
    file = str(tmp_path / "edges/experiment.toml")
    done = runner.invoke(app, [file, library, "--parameters", str(files["edges"])])
    assert done.exit_code == 0, done.output
    assert "RAM to make features of a sample" in done.output


def test_what_would_leave_the_front_end_out_is_refused(
    make_model: Callable[..., Model],
) -> None:
    model = make_model("front_end=edges")
    with pytest.raises(UsageError, match="front_end: the experiment names 'edges', but None was"):
        model_for(model.experiment, model.network)
    wrong = FrontEnd("edges", (28, 28, 1))
    with pytest.raises(UsageError, match="layers: the network takes 64 features, the front end "):
        model_for(model.experiment, model.network, front_end=wrong)
