"""What a model's samples are goes with the model, in the header of its file."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from tifed.data import (
    Dataset,
    Quantisation,
    SampleFormat,
    Samples,
    calibrate,
    load,
    load_quantisation,
    sample_format_of,
)
from tifed.data.feature_cache import with_features
from tifed.errors import UsageError
from tifed.experiment import Experiment, load_experiment
from tifed.experiment import run as run_experiment
from tifed.rule.network import load_model, save_model

TABLE = "x,größe \N{MICRO SIGN}m,label\n" + "".join(
    f"{number},{number / 8},{name}\n"
    for number, name in enumerate(["a|b", '<b>"c"</b>', "\u65e5\u672c\u8a9e"] * 12)
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a run on a table with fractions and with names that are hard to write down."""
    folder = tmp_path_factory.mktemp("sample_format")
    (folder / "table.csv").write_text(TABLE, encoding="utf-8")
    experiment = load_experiment(
        overrides=[f"dataset={folder / 'table.csv'}", "rounds=1", "devices=2", "buffer=4"]
    )
    run_experiment(experiment, out=folder / "run")
    return folder


def test_a_run_on_a_table_writes_its_map_and_its_names(folder: Path) -> None:
    found = sample_format_of(folder / "run/model.safetensors")
    assert found.feature_names == ("x", "größe \N{MICRO SIGN}m")
    assert found.class_names == ('<b>"c"</b>', "a|b", "\u65e5\u672c\u8a9e")
    saved = load_quantisation(folder / "run/quantisation.json")
    assert found.quantisation == saved
    assert found.quantisation is not None
    assert found.quantisation.feature_names == saved.feature_names == found.feature_names
    assert found.quantisation.class_names == saved.class_names == found.class_names
    dataset = load(folder / "table.csv")
    table = np.array([line.split(",")[:2] for line in TABLE.splitlines()[1:]], float)
    made = found.quantisation.apply(table)
    assert {tuple(row) for row in dataset.train.features.tolist()} <= set(map(tuple, made.tolist()))


def test_the_digest_of_the_parameters_is_not_moved(folder: Path, tmp_path: Path) -> None:
    network, parameters = load_model(folder / "run/model.safetensors")
    save_model(tmp_path / "old.safetensors", network, parameters)
    with safe_open(tmp_path / "old.safetensors", "numpy") as file:
        assert "class_names" not in file.metadata()
    assert load_model(tmp_path / "old.safetensors")[1].digest == parameters.digest
    assert sample_format_of(tmp_path / "old.safetensors") == SampleFormat()


def test_built_in_data_and_front_ends_have_theirs(tmp_path: Path) -> None:
    for name, front_end in (("pixels", None), ("edges", "edges")):
        run_experiment(Experiment(rounds=1, front_end=front_end), out=tmp_path / name)
        found = sample_format_of(tmp_path / name / "model.safetensors")
        digits = load("digits")
        assert found.quantisation == Quantisation("minus-128"), "pixels come before a front end"
        assert found.class_names == digits.class_names
        assert load_quantisation(tmp_path / name / "quantisation.json") == found.quantisation


def test_features_keep_the_format_of_what_they_were_made_of() -> None:
    samples = Samples(np.zeros((3, 4), np.int8), np.array([0, 1, 2], np.int32))
    quantisation = calibrate(np.arange(12.0).reshape(3, 4))
    dataset = Dataset(
        "four", samples, samples, ("a", "b", "c"),
        feature_names=("p", "q", "r", "s"), quantisation=quantisation,
    )  # fmt: skip
    once = with_features(dataset, {p: np.zeros((3, 2), np.int8) for p in ("train", "test")}, None)
    twice = with_features(once, {p: np.zeros((3, 1), np.int8) for p in ("train", "test")}, None)
    assert once.quantisation is None
    assert dataset.sample_format == once.sample_format == twice.sample_format
    assert twice.of_classes([2, 0]).sample_format == replace(
        dataset.sample_format, class_names=("c", "a")
    )


@pytest.mark.parametrize(
    ("key", "text", "message"),
    [
        ("class_names", '["a", "b"]', "class_names: 2 of them for 3 classes"),
        ("class_names", '"abc"', "class_names: is not a list of names"),
        ("feature_names", "[1]", "feature_names: is not a list of names"),
        ("class_names", "[", "class_names: is not JSON"),
        ("quantisation", "[]", "quantisation: must be an object with the constants of a map"),
        ("quantisation", '{"kind": "cubic"}', "quantisation: quantisation kind: 'cubic' is unk"),
        ("quantisation", '{"kind": "affine", "shift": 1}', "quantisation: shift must be a list"),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    key: str, text: str, message: str, folder: Path, tmp_path: Path
) -> None:
    model = folder / "run/model.safetensors"
    with safe_open(model, "numpy") as file:
        header = file.metadata() | {key: text}
    save_file(load_file(model), tmp_path / "changed.safetensors", header)
    with pytest.raises(UsageError, match=f"changed.safetensors, {message}"):
        sample_format_of(tmp_path / "changed.safetensors")


def test_constants_and_names_have_to_fit_the_network() -> None:
    four = calibrate(np.arange(8.0).reshape(2, 4))
    for given, message in (
        (SampleFormat(four), "quantisation: 4 of them for 3 values of a sample"),
        (SampleFormat(None, ("a", "b")), "feature_names: 2 of them for 3 values of a sample"),
        (SampleFormat(None, (), ("a",)), "class_names: 1 of them for 2 classes"),
    ):
        with pytest.raises(UsageError, match=message):
            given.check(3, 2, "here")
    SampleFormat(four, tuple("abcd"), ("x", "y")).check(4, 2, "here")
    SampleFormat(calibrate(np.arange(8.0).reshape(2, 4), shared=True)).check(99, 2, "here")


def test_the_header_is_plain_json(folder: Path) -> None:
    with safe_open(folder / "run/model.safetensors", "numpy") as file:
        header = file.metadata()
    assert json.loads(header["class_names"])[1] == "a|b"
    constants = json.loads(header["quantisation"])
    assert sorted(constants) == ["bias", "fraction_bits", "kind", "multiplier", "shift"]
