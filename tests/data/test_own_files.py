"""A user's own .npz and .csv files: read, split, quantised, or refused with a remedy."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tifed.data import Quantisation, load
from tifed.errors import UsageError


def arrays(**changes: Any) -> dict[str, Any]:
    place = np.arange(40)
    fields: dict[str, Any] = {
        "features": np.stack([place, place * 0.5], axis=1),
        "labels": place % 4,
    }
    return {name: value for name, value in (fields | changes).items() if value is not None}


def npz(folder: Path, **changes: Any) -> str:
    np.savez(folder / "mine.npz", **arrays(**changes))
    return str(folder / "mine.npz")


def csv(folder: Path, text: str) -> str:
    (folder / "mine.csv").write_text(text, encoding="utf-8")
    return str(folder / "mine.csv")


ROWS = "".join(f"{i},{i * 0.25},{'yes' if i % 2 else 'no'},p{i % 3}\n" for i in range(24))
TABLE = f"a,b,label,person\n{ROWS}"


def test_npz_is_split_by_class_and_quantised_on_training_only(tmp_path: Path) -> None:
    dataset = load(npz(tmp_path), test_fraction=30)
    assert (dataset.name, dataset.features, dataset.classes) == ("mine", 2, 4)
    assert (len(dataset.train), len(dataset.test)) == (28, 12)
    assert np.bincount(dataset.test.labels).tolist() == [3] * 4
    assert dataset.quantisation is not None
    assert dataset.quantisation.kind == "affine"
    assert dataset.digest == load(npz(tmp_path), test_fraction=30).digest


def test_npz_with_groups_and_a_split_of_its_own(tmp_path: Path) -> None:
    groups = np.array(["kim", "ann"])[np.arange(40) % 2]
    path = npz(
        tmp_path,
        groups=groups,
        test_features=np.full((2, 2), 300.0),
        test_labels=np.array([3, 0]),
        test_groups=np.array(["zoe", "ann"]),
    )
    dataset = load(path)
    assert dataset.group_names == ("ann", "kim", "zoe")
    assert dataset.test.groups is not None
    assert dataset.test.groups.tolist() == [2, 0]
    assert dataset.test.features.tolist() == [[127, 127], [127, 127]]
    assert len(dataset.train) == 40


def test_string_and_byte_labels_name_the_classes(tmp_path: Path) -> None:
    for words in (np.array(["b", "a"]), np.array([b"b", b"a"])):
        dataset = load(npz(tmp_path, labels=words[np.arange(40) % 2]))
        assert dataset.class_names == ("a", "b")
        assert sorted(set(dataset.train.labels.tolist())) == [0, 1]


@pytest.mark.parametrize(
    ("quantise", "features", "expected"),
    [
        ("none", np.tile([[-128, 127], [127, -128]], (20, 1)), "identity"),
        ("auto", np.tile([[0, 255], [255, 0]], (20, 1)), "minus-128"),
        ("per-feature", np.tile([[0, 255], [255, 0]], (20, 1)), "affine"),
        ("shared", np.tile([[0, 255], [255, 0]], (20, 1)), "affine"),
    ],
)
def test_quantise(tmp_path: Path, quantise: str, features: Any, expected: str) -> None:
    quantisation = load(npz(tmp_path, features=features), quantise=quantise).quantisation
    assert quantisation is not None
    assert quantisation.kind == expected


def test_a_saved_quantisation_is_used_again(tmp_path: Path) -> None:
    first = load(npz(tmp_path))
    assert first.quantisation is not None
    first.quantisation.save(tmp_path / "map.json")
    moved = npz(tmp_path, features=arrays()["features"] + 5)
    again = load(moved, quantise=tmp_path / "map.json")
    assert again.quantisation == first.quantisation
    assert load(moved, quantise=str(tmp_path / "map.json")).digest == again.digest


@pytest.mark.parametrize(
    ("changes", "options", "message"),
    [
        ({"labels": None}, {}, "has no array 'labels', only features; save it with numpy.savez"),
        ({"label": np.zeros(1)}, {}, "unknown array 'label'; the names are features, labels"),
        ({"test_labels": np.zeros(2)}, {}, "has no array 'test_features'"),
        ({"labels": np.arange(39)}, {}, r"labels: shape \(39,\) does not fit 40 rows"),
        ({"groups": np.arange(39)}, {}, r"groups: shape \(39,\) does not fit 40 rows"),
        ({"features": np.zeros(40)}, {}, r"features: must be of shape \(samples, features\)"),
        ({"features": np.zeros((40, 0))}, {}, r"features: must be of shape .* 1 or more"),
        (
            {"labels": np.arange(40) - 1},
            {},
            "40 different values in 40 samples; .*data.label_column",
        ),
        ({"labels": np.full(40, 0.5)}, {}, r"labels: row 0: 0\.5 is not an integer"),
        ({"labels": np.full(40, np.nan)}, {}, "labels: row 0: nan is not an integer"),
        ({"labels": np.arange(40) - 1}, {"classes": 40}, "row 0: -1 is not an integer in 0..39"),
        ({}, {"classes": 3}, "labels: row 3: 3 is not an integer in 0..2"),
        ({}, {"classes": 1}, "classes: 1 is not a whole number of 2 or more"),
        ({"labels": np.zeros(40, int)}, {}, "two classes or more are needed"),
        (
            {"labels": np.array(["a", "b"] * 20)},
            {"classes": 3},
            "2 different names, but data.classes",
        ),
        ({}, {"test_fraction": 0}, r"test_fraction: 0 is not a whole number of percent in 1\.\.90"),
        ({}, {"test_fraction": 0.2}, r"test_fraction: 0\.2 is not a whole number of percent"),
        ({}, {"quantise": "int4"}, "quantise: 'int4' is not one of auto, per-feature, shared"),
        (
            {},
            {"quantise": "none"},
            r"mine\.npz, features: row 1, column 1: 0\.5 is .*quantise='auto'",
        ),
        ({"features": np.full((40, 1), np.nan)}, {}, "row 0, column 0: nan is not a finite"),
        (
            {"test_features": np.zeros((1, 3)), "test_labels": np.zeros(1)},
            {},
            "test features: 3 features, but the training samples have 2",
        ),
        (
            {
                "test_features": np.zeros((1, 2)),
                "test_labels": np.zeros(1),
                "test_groups": np.zeros(1),
            },
            {},
            "groups and test_groups go together",
        ),
        ({"labels": np.zeros(40, complex)}, {}, "labels: must be integers or strings"),
    ],
)
def test_a_wrong_npz_is_refused(
    tmp_path: Path, changes: dict[str, Any], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        load(npz(tmp_path, **changes), **options)


def test_classes_that_do_not_occur_can_be_declared(tmp_path: Path) -> None:
    assert load(npz(tmp_path), classes=7).classes == 7


def test_files_that_are_no_npz_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.npz"
    with pytest.raises(UsageError, match=r"mine\.npz: cannot be read"):
        load(str(path))
    path.write_bytes(b"hello")
    with pytest.raises(UsageError, match=r"mine\.npz: is no \.npz file, or a damaged one"):
        load(str(path))
    path.write_bytes(b"PK\x03\x04 rubbish")
    with pytest.raises(UsageError, match=r"mine\.npz: is no \.npz file, .*save it again"):
        load(str(path))
    path.write_bytes(b"")
    with pytest.raises(UsageError, match=r"mine\.npz: .*save"):
        load(str(path))
    np.savez(path, features=np.array([{}]), labels=np.zeros(1))
    with pytest.raises(
        UsageError, match=r"mine\.npz, features: holds Python objects; .*plain arrays"
    ):
        load(str(path))
    with path.open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(UsageError, match=r"mine\.npz: is a single array"):
        load(str(path))


def test_csv_with_names_and_groups(tmp_path: Path) -> None:
    dataset = load(csv(tmp_path, "\ufeff" + TABLE), group_column="person", test_fraction=25)
    assert dataset.class_names == ("no", "yes")
    assert dataset.group_names == ("p0", "p1", "p2")
    assert (dataset.features, len(dataset.train), len(dataset.test)) == (2, 18, 6)
    assert dataset.test.groups is not None
    assert np.bincount(dataset.test.groups * 2 + dataset.test.labels).tolist() == [1] * 6


def test_csv_with_integer_labels_in_another_column_and_in_data_dir(tmp_path: Path) -> None:
    rows = "".join(f"{i % 3},{i * 37 % 256 - 128}\n" for i in range(120))
    csv(tmp_path, f"kind,x\n{rows}\n")
    dataset = load("mine.csv", data_dir=tmp_path, label_column="kind")
    assert dataset.class_names == ("0", "1", "2")
    assert dataset.quantisation == Quantisation("identity")
    assert set(dataset.train.features[:, 0].tolist()) <= {i * 37 % 256 - 128 for i in range(120)}


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, "is empty; the first line must name the columns"),
        ("a,b,Label\n1,2,x\n", {}, "label_column: .* no column 'label', .*did you mean 'Label'"),
        ("a;b;label\n1;2;x\n", {"delimiter": ","}, r"data\.label_column: .*data\.delimiter=';'"),
        (TABLE, {"group_column": "persn"}, "group_column: .*did you mean 'person'"),
        (TABLE, {"group_column": "label"}, "group_column: 'label' is the label column"),
        ("a,a,label\n1,2,x\n", {}, "the header names column 'a' twice"),
        ("label\nx\n", {}, "has no feature columns"),
        ("a,label\n1,x\n2\n", {}, "line 3 has 1 values, but the header names 2 columns"),
        ("a,label\n1,x\n\ntwo,y\n", {}, "line 4, column 'a': 'two' is not a number"),
        ("a,label\n1,x\nnan,y\n", {}, "line 3, column 'a': 'nan' is not a finite number"),
        ("a,label\n1,x\n,y\n", {}, "line 3, column 'a': '' is not a finite number"),
        ("a,label\n1,x\n1e999,y\n", {}, "line 3, column 'a': '1e999' is not a finite number"),
        ("a,label\n1,x\n2,\n", {}, "line 3, column 'label' is empty; fill it in"),
        ("a,label\n1,x\n", {}, "has 1 samples; two at least"),
        ('a,label\n1,"x\n', {}, "is not well-formed CSV"),
        (TABLE, {}, "line 2, column 'person': 'p0' is not a number; .*data.group"),
    ],
)
def test_a_wrong_csv_is_refused(
    tmp_path: Path, text: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        load(csv(tmp_path, text), **options)


def test_csv_files_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    with pytest.raises(UsageError, match=r"mine\.csv: cannot be read"):
        load(str(path))
    path.write_bytes(b"a,label\n1,\xff\n")
    with pytest.raises(UsageError, match=r"mine\.csv: is not UTF-8 text .*save it as CSV UTF-8"):
        load(str(path))
