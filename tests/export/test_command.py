"""``tifed export`` as typed."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from tifed.cli.export import export
from tifed.errors import UsageError
from tifed.experiment import load_experiment, run
from tifed.export import model_for
from tifed.rule.network import load_model

app = typer.Typer()
app.command()(export)
runner = CliRunner()


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of one round."""
    folder = tmp_path_factory.mktemp("run") / "run"
    run(load_experiment(preset="digits", overrides=["rounds=1"]), out=folder)
    return folder


def test_a_preset_becomes_a_library(tmp_path: Path) -> None:
    folder = tmp_path / "library"
    outcome = runner.invoke(app, ["--framework", "arduino", str(folder)])
    assert outcome.exit_code == 0, outcome.output
    assert "arduino library for 64-32-10" in outcome.output
    assert "8,072 bytes" in outcome.output
    assert (folder / "library.properties").is_file()
    again = runner.invoke(app, ["--set", "layers=[64,8,10]", str(folder), "--json"])
    assert again.exit_code == 0, again.output
    plain = json.loads(again.output)
    assert (plain["framework"], plain["shape"]) == ("cmake", "64-8-10")
    assert plain["ram_total"] == sum(plain["ram"].values())
    assert not (folder / "library.properties").exists(), "an untouched export is replaced"


def test_a_library_says_what_shift_copies_take(tmp_path: Path) -> None:
    settings = ("front_end=edges", "pixel_shifts=true")
    outcome = runner.invoke(
        app, [str(tmp_path / "library"), *(part for pair in settings for part in ("--set", pair))]
    )
    assert outcome.exit_code == 0, outcome.output
    # 20 samples of 64 values, a row of 8, and a front end of its own.
    assert "RAM for shift copies 1,480 bytes" in outcome.output
    readme = (tmp_path / "library/README.md").read_text()
    assert "1,480 bytes of RAM more" in readme


def test_a_run_becomes_a_library_that_goes_on(tmp_path: Path, finished: Path) -> None:
    folder = tmp_path / "library"
    experiment, model = finished / "experiment.toml", finished / "model.safetensors"
    outcome = runner.invoke(
        app, [str(experiment), str(folder), "--parameters", str(model), "--layer", "1"]
    )
    assert outcome.exit_code == 0, outcome.output
    digest = json.loads((finished / "result.json").read_text())["digest"]
    assert digest in (folder / "README.md").read_text()
    assert (
        json.loads((folder / "tifed-export.json").read_text())["models"][0]["about"]["parameters"]
        == digest
    )
    header = (folder / "include/tifed_model.h").read_text()
    assert "TIFED_MODEL_TRAINED 0x2u" in header


def test_a_library_takes_the_energy_shift_of_its_run(tmp_path: Path, by_energy: str) -> None:
    pairs = [f"recipe={by_energy}", "recipe_settings.shift=-2", "rounds=1"]
    experiment = load_experiment(preset="digits", overrides=pairs)
    run(experiment, out=tmp_path / "run")
    model = tmp_path / "run/model.safetensors"
    given = [str(tmp_path / "run/experiment.toml"), str(tmp_path / "library")]
    outcome = runner.invoke(app, [*given, "--parameters", str(model)])
    assert outcome.exit_code == 0, outcome.output
    source = (tmp_path / "library/src/tifed_model.c").read_text()
    assert "tifed_work work = {0, TIFED_MODEL_STEPS, 0, 0, 0, -2};" in source
    network, _ = load_model(model)
    with pytest.raises(UsageError, match="with 99 added .* and this experiment has room for 1"):
        model_for(experiment, network, trained=load_model(model), energy_shift=99)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.toml", "b", "c"], "takes an experiment file and a folder"),
        (["none.toml", "library"], "none.toml: cannot be read"),
        (["library", "--framework", "mbed"], "framework: 'mbed' is not one of arduino"),
        (["library", "--layer", "2"], r"layer: \[2\] is not among the layers 0..1"),
        (["library", "--parameters", "none"], "none: no such model file"),
        (["library", "--set", "recipe=paper", "--set", "recipe_settings.weight_bits=32"],
         "weight_bits: 32 is for simulations"),
        (["library", "--set", "average_every=epoch"], "average_every: .* use 'buffer'"),
        (["library", "--set", "layers=[64,8,10]", "--parameters", "MODEL"],
         "parameters: the model is 64-32-10, the experiment 64-8-10"),
        (["library", "--set", "recipe=paper", "--parameters", "MODEL"],
         "parameters: the model was trained with other constants"),
    ],
)  # fmt: skip
def test_what_cannot_be_exported_is_refused_by_name(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    finished: Path,
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    model = str(finished / "model.safetensors")
    outcome = runner.invoke(app, [model if word == "MODEL" else word for word in arguments])
    assert isinstance(outcome.exception, UsageError), outcome.output
    with pytest.raises(UsageError, match=message):
        raise outcome.exception
    assert not list(tmp_path.iterdir())
