"""Libraries that know how readings become samples: C makes of them what Python makes."""

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import typer
from numpy.typing import NDArray
from typer.testing import CliRunner

from tifed.cli.export import export as export_command
from tifed.data import Quantisation, SampleFormat, load, sample_format_of
from tifed.data.quantisation.quantisation import fixed_point
from tifed.errors import UsageError
from tifed.experiment import Experiment, load_experiment
from tifed.experiment import run as run_experiment
from tifed.export import FRAMEWORKS, Model, export, model_for
from tifed.rule.network import load_model

STRICT = (
    "-std=c99", "-O1", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror",
    "-fsanitize=address,undefined", "-fno-sanitize-recover",
)  # fmt: skip

NAMES = ('<script>alert("1")</script>', "a|b,*/ /* ??/ \\", "\u65e5\u672c\u8a9e \U0001f3c3")
COLUMNS = ("aX", "*/ wei\u00df\u202e /*", "n\ttab", "whole", "never")

MAIN = """\
#include <math.h>
#include <stdio.h>
#include "tifed_model.h"

static const double numbers[][TIFED_MODEL_INPUTS] = {%s};
static const int32_t integers[] = {%s};

int main(void)
{
    int32_t readings[TIFED_MODEL_INPUTS];
    int8_t sample[TIFED_MODEL_INPUTS];
    for (size_t n = 0; n < sizeof numbers / sizeof numbers[0]; n++) {
        for (uint32_t i = 0; i < TIFED_MODEL_INPUTS; i++)
            readings[i] = TIFED_MODEL_READING_OF_FLOAT(i, numbers[n][i]);
        if (tifed_model_quantise(readings, sample) != TIFED_OK)
            return 1;
        for (uint32_t i = 0; i < TIFED_MODEL_INPUTS; i++) {
            if (sample[i] != tifed_model_quantise_value(i, readings[i]))
                return 2;
            printf("%%d ", sample[i]);
        }
        printf("\\n");
    }
    for (size_t n = 0; n < sizeof integers / sizeof integers[0]; n++) {
        for (uint32_t i = 0; i < TIFED_MODEL_INPUTS; i++)
            printf("%%ld ", (long)TIFED_MODEL_READING(i, integers[n]));
        printf("\\n");
    }
    if (tifed_model_quantise(NULL, sample) != TIFED_ERROR_MEMORY ||
        tifed_model_quantise(readings, NULL) != TIFED_ERROR_MEMORY)
        return 3;
    for (int32_t label = -1; label <= (int32_t)TIFED_MODEL_CLASSES; label++)
        printf("%%s\\n", tifed_model_class_name(label));
    return 0;
}
"""

app = typer.Typer()
app.command()(export_command)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a run on a table of fractions, integers, and names that are hard to write down."""
    folder = tmp_path_factory.mktemp("quantise")
    rng = np.random.default_rng(5)
    with (folder / "table.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow([*COLUMNS, "label"])
        for number in range(120):
            values = rng.normal(number % 3, 0.3, 4) * [1.0, 1e-5, 1e9, 100]
            rows.writerow([*values[:3], round(values[3]), 7, NAMES[number % 3]])
    run_experiment(experiment_of(folder), out=folder / "run")
    return folder


def experiment_of(folder: Path) -> Experiment:
    """What the run of ``folder`` was of."""
    settings = [f"dataset={folder / 'table.csv'}", "rounds=2", "devices=2", "buffer=6"]
    return load_experiment(overrides=settings)


def model_of(folder: Path) -> Model:
    """A library's, that starts as the run of ``folder`` did and knows its samples."""
    file = folder / "run/model.safetensors"
    return model_for(experiment_of(folder), load_model(file)[0], samples=sample_format_of(file))


def program(library: Path, main: str, run: Callable[..., str]) -> Path:
    """``main`` with the library's C, strictly compiled."""
    target = library.with_name("program")
    (library.with_name("main.c")).write_text(main)
    places = [library / "include", library / "src", library / "include/tifed_link"]
    run(
        ["gcc", *STRICT, *(f"-I{place}" for place in places), library.with_name("main.c"),
         *sorted(library.glob("src/**/*.c")), "-lm", "-o", target]
    )  # fmt: skip
    return target


def told(numbers: NDArray[np.float64], integers: list[int]) -> str:
    """The program with numbers (N, D) and integers to be made readings of."""
    rows = ("{" + ",".join(map(float.hex, row)) + "}" for row in numbers.tolist())
    return MAIN % (",".join(rows), ",".join(map(str, integers)))


@pytest.mark.slow(2)
def test_a_model_file_alone_tells_c_what_python_does(
    folder: Path, tmp_path: Path, run: Callable[..., str]
) -> None:
    # The data are gone: everything is in the model file.
    settings = ["--set", "buffer=6", "--set", "devices=2", "--set", "rounds=2"]
    settings += ["--set", f"dataset={tmp_path / 'gone.csv'}", "--set", "layers=[5,32,3]"]
    model = folder / "run/model.safetensors"
    library = tmp_path / "library"
    done = CliRunner().invoke(app, [str(library), "--parameters", str(model), *settings])
    assert done.exit_code == 0, done.output or done.exception
    assert "no tifed_model_quantise" not in done.output
    quantisation = sample_format_of(model).quantisation
    assert quantisation is not None
    rng = np.random.default_rng(6)
    numbers = rng.normal(1, 1.5, (400, 5)) * [1, 1e-5, 1e9, 100, 7]
    numbers[:4] = np.array([[-1e30], [1e30], [0], [-0.5]])
    integers = [0, 1, -1, 5, 1000, -(2**31) + 1, 2**31 - 2]
    lines = run([program(library, told(numbers, integers), run)]).splitlines()
    found = np.array([line.split() for line in lines[:400]], np.int64)
    assert np.array_equal(found, quantisation.apply(numbers))
    bits = np.array(quantisation.fraction_bits)
    assert len(set(bits.tolist())) > 2, "there is a feature of each kind"
    assert bits.min() < 0 < bits.max()
    readings = np.array([line.split() for line in lines[400:407]], np.int64)
    assert np.array_equal(readings, fixed_point(np.array(integers)[:, None], bits))
    assert lines[407:] == ["(no such class)", *sorted(NAMES), "(no such class)"]


def test_the_header_lists_what_each_number_is(folder: Path, tmp_path: Path) -> None:
    model = model_of(folder)
    export(model, "arduino", tmp_path / "library")
    header = (tmp_path / "library/src/tifed_model.h").read_text(encoding="utf-8")
    table = header.split("-128 at or below")[1].split("*/")[0].splitlines()[1:6]
    for number, (line, name) in enumerate(
        zip(table, ("aX", r"* / weiß\u202e / *", r"n\ttab", "whole", "never"), strict=True)
    ):
        assert line.split()[1] == str(number)
        assert line.endswith(f"  {name}")
    whole = table[3].split()
    assert whole[2] == "0"
    at = np.array([[0.0, 0.0, 0.0, float(end), 0.0] for end in whole[3:5]])
    assert model.samples.quantisation is not None
    assert model.samples.quantisation.apply(at)[:, 3].tolist() == [-128, 127]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_examples_of_every_layout_quantise(
    framework: str, folder: Path, tmp_path: Path, make_model: Callable[..., Model]
) -> None:
    export(model_of(folder), framework, tmp_path / "with")
    export(make_model(), framework, tmp_path / "without")

    def all_text(name: str) -> str:
        files = (tmp_path / name).rglob("*")
        return "".join(
            file.read_text(encoding="utf-8")
            for file in files
            if "learn" in file.as_posix().lower().removeprefix(str(tmp_path)) and file.is_file()
        )

    assert "tifed_model_quantise" in all_text("with")
    assert ">> 2) - 128" not in all_text("with")
    assert "tifed_model_quantise" not in all_text("without")
    readme = (tmp_path / "with/README.md").read_text(encoding="utf-8")
    assert "`tifed_model_quantise` makes a sample of 5 numbers" in readme


@pytest.mark.parametrize("overrides", [[], ["front_end=edges"], ["pixel_shifts=true"]])
def test_pixels_are_quantised_before_all_else(
    overrides: list[str], tmp_path: Path, make_model: Callable[..., Model], run: Callable[..., str]
) -> None:
    made = make_model(*overrides)
    digits = load("digits")
    model = model_for(
        made.experiment, made.network, front_end=made.front_end, shifts=made.shifts,
        samples=digits.sample_format,
    )  # fmt: skip
    export(model, "cmake", tmp_path / "library")
    numbers = np.random.default_rng(3).integers(-20, 290, (5, 64)).astype(float)
    lines = run([program(tmp_path / "library", told(numbers, [300]), run)]).splitlines()
    found = np.array([line.split() for line in lines[:5]], np.int64)
    assert np.array_equal(found, Quantisation("minus-128").apply(numbers))
    assert lines[7:-1] == list(digits.class_names)
    header = (tmp_path / "library/include/tifed_model.h").read_text()
    assert "/* 0 and what is below becomes -128; 255 and what is above, 127. */" in header


@pytest.mark.slow(2)
@pytest.mark.skipif(shutil.which("cmake") is None, reason="no cmake")
def test_the_example_learns_from_readings(
    folder: Path, tmp_path: Path, run: Callable[..., str]
) -> None:
    export(model_of(folder), "cmake", tmp_path / "library")
    run(["cmake", "-S", tmp_path / "library", "-B", tmp_path / "build"])
    run(["cmake", "--build", tmp_path / "build", "--target", "tifed_learn"])
    last = run([tmp_path / "build/tifed_learn"]).splitlines()[-1]
    assert int(last.split()[0]) > 60, last


def test_other_names_than_the_models_are_an_error(folder: Path, tmp_path: Path) -> None:
    text = (folder / "table.csv").read_text(encoding="utf-8")
    model, runner = str(folder / "run/model.safetensors"), CliRunner()
    for old, new, message in (
        ("aX,", "aY,", "feature 0 of the model is 'aX', but in the experiment's data it is 'aY'"),
        ("\u65e5", "\u672c", "class 2 of the model is '\u65e5\u672c\u8a9e"),
    ):
        (tmp_path / "table.csv").write_text(text.replace(old, new), encoding="utf-8")
        settings = [f"dataset={tmp_path / 'table.csv'}", "rounds=2", "devices=2", "buffer=6"]
        arguments = [str(tmp_path / "library"), "--parameters", model]
        for setting in settings:
            arguments += ["--set", setting]
        done = runner.invoke(app, arguments)
        assert isinstance(done.exception, UsageError), done.output
        assert message in str(done.exception)


def test_without_data_and_model_the_library_says_what_it_lacks(tmp_path: Path) -> None:
    arguments = [str(tmp_path / "library"), "--set", "layers=[5,8,3]", "--set"]
    done = CliRunner().invoke(app, [*arguments, f"dataset={tmp_path / 'gone.csv'}"])
    assert done.exit_code == 0, done.output
    assert "no tifed_model_quantise: how readings become int8 is not known (" in done.output
    assert "gone.csv" in done.output
    header = (tmp_path / "library/include/tifed_model.h").read_text()
    assert "quantise" not in header


def test_constants_have_to_fit_the_samples(make_model: Callable[..., Model]) -> None:
    made = make_model()
    wrong = SampleFormat(Quantisation("affine", (0, 0), (1, 1), (0, 0), (0, 0)))
    with pytest.raises(UsageError, match="export, quantisation: 2 of them for 64 values"):
        model_for(made.experiment, made.network, samples=wrong)
