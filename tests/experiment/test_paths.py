"""Files that an experiment names are found from anywhere, and by a run that goes on."""

import shutil
from pathlib import Path

import pytest

from tifed.data import load
from tifed.experiment import load_experiment, resume, run
from tifed.experiment.load import to_toml

CASES = Path(__file__).parents[1] / "data" / "cases"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A TOML file with its data beside it."""
    (tmp_path / "there").mkdir()
    shutil.copy(CASES / "dataset-path-beside-the-toml.toml", tmp_path / "there" / "e.toml")
    shutil.copy(CASES / "labels-1-to-3.csv", tmp_path / "there" / "mine.csv")
    return tmp_path / "there"


def test_a_run_begins_and_goes_on_anywhere(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(tmp_path)
    experiment = load_experiment(Path("there/e.toml"), overrides=["rounds=2"])
    assert experiment.dataset == str(folder / "mine.csv")
    first = run(experiment, out=tmp_path / "out")
    monkeypatch.chdir(elsewhere)
    assert resume(Path("../out")).digest == first.digest
    monkeypatch.chdir(folder)
    (folder / "e.toml").rename(folder / "f.toml")
    assert to_toml(load_experiment(Path("f.toml"), overrides=["rounds=2"])) == to_toml(experiment)


def test_every_file_of_an_experiment_is_found(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    files = ("second.csv", "map.json", "net.safetensors")
    for name in files:
        (folder / name).touch()
    (folder / "g.toml").write_text(
        'dataset = "mine.csv"\nextractor = "net.safetensors"\n[data]\ntest_file = "second.csv"\n'
        'quantise = "map.json"\nlabels_file = "none.txt"\nlabel_column = "map.json"\n',
        encoding="utf-8",
    )
    experiment = load_experiment(folder / "g.toml")
    assert experiment.extractor == str(folder / "net.safetensors")
    assert experiment.data == {
        "test_file": str(folder / "second.csv"),
        "quantise": str(folder / "map.json"),
        "labels_file": "none.txt",  # perhaps in the folder of data sets
        "label_column": "map.json",
    }


def test_the_command_line_is_relative_to_the_working_folder(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "other.csv").touch()
    (tmp_path / "other.csv").touch()
    monkeypatch.chdir(tmp_path)
    experiment = load_experiment(
        folder / "e.toml", overrides=["dataset=other.csv", "data.test_file=there/mine.csv"]
    )
    assert experiment.dataset == str(tmp_path / "other.csv")
    assert experiment.data["test_file"] == str(folder / "mine.csv")


def test_names_stay_names(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    (folder / "mnist").mkdir()
    (folder / "digits").touch()
    (folder / "h.toml").write_text('dataset = "digits"\n[data]\nquantise = "auto"', "utf-8")
    assert load_experiment(folder / "h.toml").dataset == "digits"
    assert load_experiment(overrides=["dataset=mnist"]).dataset == "mnist"
    assert load_experiment(folder / "h.toml").data == {"quantise": "auto"}


def test_a_node_has_the_file_in_its_own_folder(folder: Path) -> None:
    here = load("mine.csv", data_dir=folder)
    assert load("/where/the/server/has/it/mine.csv", data_dir=folder).digest == here.digest
