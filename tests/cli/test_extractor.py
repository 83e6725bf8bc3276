"""tifed extractor: train, import, extract, and an experiment on the result."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from tifed.cli import app
from tifed.data import load
from tifed.errors import UsageError

RUNNER = CliRunner()


def tifed(*arguments: str | Path) -> str:
    """Standard output of a command that succeeds."""
    result = RUNNER.invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIFED_CACHE", str(tmp_path / "cache"))


@pytest.mark.slow(10)
def test_train_extract_and_run(tmp_path: Path) -> None:
    out, features = tmp_path / "e.safetensors", tmp_path / "f.npz"
    said = json.loads(
        tifed(
            "extractor", "train", "--source", "digits", "--out", out, "--channels", "8",
            "--features", "64", "--epochs", "4", "--json",
        )
    )  # fmt: skip
    assert said["planes"] == [[8, 8, 1], [8, 8, 8], [4, 4, 8], [2, 2, 64], [1, 1, 64]]
    assert said["float_accuracy"] > 0.6
    assert abs(said["integer_accuracy"] - said["float_accuracy"]) < 0.02
    assert said["source"] == "trained on digits, seed 1"
    written = json.loads(tifed("extractor", "extract", out, "digits", "--out", features, "--json"))
    assert written["extractor_digest"] == said["digest"]
    again = load(str(features))
    assert again.digest == written["dataset_digest"]
    assert (again.features, len(again.train), len(again.test)) == (64, 1437, 360)
    settings = ["--set", "layers=[64, 16, 10]", "--set", "rounds=4", "--json"]
    through, from_file = (
        json.loads(tifed("run", *settings, *more, "--out", tmp_path / name))
        for name, more in (
            ("a", ["--set", f"extractor={out}"]),
            ("b", ["--set", f"dataset={features}"]),
        )
    )
    assert through["digest"] == from_file["digest"]
    assert through["extractor_digest"] == said["digest"]


def test_import_of_an_own_model(tmp_path: Path) -> None:
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 10)]
    torch.save(nn.Sequential(*layers), tmp_path / "m.pt")
    out = tmp_path / "e.safetensors"
    arguments: list[str | Path] = [
        "extractor", "import", tmp_path / "m.pt", "--input-shape", "8", "8", "1",
        "--calibration", "digits", "--out", out,
    ]  # fmt: skip
    said = json.loads(tifed(*arguments, "--layers", "4", "--json"))
    assert (said["features"], said["difference"] < 0.05) == (36, True)
    assert "36 features" in tifed(*arguments, "--layers", "4")
    with pytest.raises(UsageError, match="mean: 'x' is not numbers"):
        tifed(*arguments, "--mean", "x")
    torch.save(nn.Sequential(nn.Conv2d(1, 4, 3), nn.Softplus()), tmp_path / "m.pt")
    with pytest.raises(UsageError, match=r"layer 1 \(Softplus.*not supported"):
        tifed(*arguments)


def test_extractors_that_ship_are_listed(tmp_path: Path) -> None:
    listed = json.loads(tifed("extractor", "list", "--json"))
    assert listed["mnist"]["features"] == 200
    assert "mnist" in tifed("extractor", "list")
    with pytest.raises(UsageError, match="has to end in .npz"):
        tifed("extractor", "extract", "mnist", "digits", "--out", tmp_path / "f.csv")
    with pytest.raises(UsageError, match="channels: 'a' is not numbers"):
        tifed(
            "extractor", "train", "--source", "digits", "--out", tmp_path / "e", "--channels", "a"
        )


@pytest.mark.slow
def test_features_computed_elsewhere_are_a_data_set(tmp_path: Path) -> None:
    """Floats of any range become int8 by constants that are saved with the run."""
    random = np.random.default_rng(5)
    labels = random.integers(0, 3, 300)
    floats = np.maximum(0, random.normal(size=(300, 20)) + 2 * np.eye(3, 20)[labels]) * 7.5
    np.savez(tmp_path / "floats.npz", features=floats, labels=labels)
    settings = ["--set", "layers=[20, 8, 3]", "--set", "rounds=8", "--set", "devices=3", "--json"]
    done = tifed(
        "run", *settings, "--set", f"dataset={tmp_path / 'floats.npz'}", "--out", tmp_path / "run"
    )
    assert json.loads(done)["accuracy"] > 0.6
    assert json.loads((tmp_path / "run/quantisation.json").read_text())["kind"] == "affine"


def test_without_pytorch_the_error_names_the_extra(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError")
    code = (
        "import sys; from tifed.cli import main; sys.argv = ['tifed', 'extractor', 'train', "
        "'--source', 'digits', '--features', '64', '--channels', '8', '--out', 'e']; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "pip install 'tifed[torch]'" in done.stderr
