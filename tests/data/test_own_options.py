"""The options for a user's own files, each with what it changes and what it refuses."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tifed.data import load
from tifed.errors import UsageError

CASES = Path(__file__).parent / "cases"
ROWS = "".join(f"{i},{i * 0.5},{'yes' if i % 2 else 'no'},p{i % 3}\n" for i in range(24))
TABLE = f"a,b,label,person\n{ROWS}"


def csv(folder: Path, text: str, name: str = "mine.csv") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_ignored_columns_are_no_features() -> None:
    path = CASES / "timestamp-is-a-feature.csv"
    for ignored in ("timestamp", ["timestamp"], [0]):
        dataset = load(path, ignore_columns=ignored)
        assert dataset.feature_names == ("accX", "accY", "accZ")
    assert load(path).features == 4


def test_held_out_groups_are_the_test_split(tmp_path: Path) -> None:
    dataset = load(csv(tmp_path, TABLE), group_column="person", held_out_groups=["p1"])
    assert (len(dataset.train), len(dataset.test)) == (16, 8)
    assert dataset.test.groups is not None
    assert dataset.train.groups is not None
    assert set(dataset.test.groups.tolist()) == {1}
    assert set(dataset.train.groups.tolist()) == {0, 2}


def test_a_test_file_has_its_columns_by_name(tmp_path: Path) -> None:
    test = csv(tmp_path, "label,b,a\nno,7,3\nyes,0,23\n", "test.csv")
    train = csv(tmp_path, "a,b,label\n1,2,no\n3,4,yes\n", "train.csv")
    dataset = load(train, quantise="none", test_file=test)
    assert dataset.test.features.tolist() == [[3, 7], [23, 0]]
    assert dataset.feature_names == ("a", "b")
    sensors = load(
        CASES / "sensors.csv",
        test_file=CASES / "sensors-columns-in-another-order.csv",
        quantise="per-feature",
    )
    assert np.array_equal(sensors.test.features, sensors.train.features)
    assert sensors.features == 3


@pytest.mark.parametrize(
    ("rule", "train", "test"),
    [
        (-3, [[0.0], [-3.0], [8.0]], [[-3.0]]),
        ("mean", [[0.0], [4.0], [8.0]], [[4.0]]),
        ("median", [[0.0], [4.0], [8.0]], [[4.0]]),
        ("drop-row", [[0.0], [8.0]], [[5.0]]),
    ],
)
def test_missing_values(tmp_path: Path, rule: Any, train: list[Any], test: list[Any]) -> None:
    path = csv(tmp_path, "a,label\n0,x\n,y\n8,x\n")
    second = csv(tmp_path, "a,label\nNaN,y\n5,x\n5,y\n", "test.csv")
    dataset = load(path, missing=rule, test_file=second, quantise="none")
    assert dataset.train.features.tolist() == train
    assert dataset.test.features[:1].tolist() == test


def test_missing_values_in_an_npz(tmp_path: Path) -> None:
    features = np.array([[1.0, np.nan], [2.0, 5.0], [3.0, 7.0], [4.0, 9.0]])
    np.savez(tmp_path / "m.npz", features=features, labels=np.array([0, 1, 0, 1]))
    with pytest.raises(UsageError, match=r"row 0, column 1: nan is not .*data\.missing = 'drop-"):
        load(tmp_path / "m.npz")
    dataset = load(tmp_path / "m.npz", missing="drop-row", test_fraction=34, quantise="none")
    assert len(dataset.train) + len(dataset.test) == 3
    assert dataset.train.features.shape == (2, 2)


def test_german_numbers(tmp_path: Path) -> None:
    dataset = load(CASES / "german-semicolon-decimal-comma.csv", decimal=",")
    same = load(CASES / "german-semicolon-decimal-comma.csv", decimal=",", delimiter=";")
    assert (len(dataset.train) + len(dataset.test), dataset.features) == (120, 6)
    assert dataset.digest == same.digest
    with pytest.raises(UsageError, match=r"line 2, column 'aX': '-0,0907' .*data\.decimal=','"):
        load(CASES / "german-semicolon-decimal-comma.csv")
    thousands = csv(tmp_path, "a;label\n1.234,5;x\n2,5;y\n")
    with pytest.raises(UsageError, match=r"line 2, column 'a': '1\.234,5' is not a number"):
        load(thousands, decimal=",")
    with pytest.raises(UsageError, match=r"line 3, column 'a': '1\.5' is .*data\.decimal='\.'"):
        load(csv(tmp_path, "a;label\n2,5;x\n1.5;y\n"), decimal=",")


@pytest.mark.parametrize("delimiter", [";", "\t", "|", "  ", " "])
def test_delimiters_are_found(tmp_path: Path, delimiter: str) -> None:
    path = csv(tmp_path, TABLE.replace(",", delimiter))
    dataset = load(path, group_column="person")
    plain = load(csv(tmp_path, TABLE, "plain.csv"), group_column="person")
    assert dataset.digest == plain.digest
    if not delimiter.isspace():
        assert load(path, group_column="person", delimiter=delimiter).digest == plain.digest


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"group_column": "prson"}, r"data\.group_column: .*did you mean 'person'"),
        ({"ignore_columns": "tme"}, r"data\.ignore_columns: .* has no column 'tme'"),
        ({"ignore_columns": "label"}, r"data\.ignore_columns: 'label' is data\.label_column"),
        ({"label_column": 9}, r"data\.label_column: .* no column 9, .*numbered 0\.\.3"),
        ({"ignore_columns": 1.5}, r"data\.ignore_columns: 1\.5 is not a column's name or number"),
        ({"held_out_groups": 1.5, "group_column": "person"}, "no group '1.5', it has p0, p1"),
        ({"delimiter": ";"}, r"say what separates the columns, such as data\.delimiter=','"),
        ({"label_column": 1.5}, r"data\.label_column: 1\.5 is not a column's name or number"),
        ({"delimiter": "x"}, r"data\.delimiter: 'x' is not one of"),
        ({"decimal": "x"}, r"data\.decimal: 'x' is not"),
        ({"decimal": ",", "delimiter": ","}, r"data\.delimiter: is the decimal mark as well"),
        ({"header": "no"}, r"data\.header: 'no' is not true, false or 'auto'"),
        ({"missing": "zero"}, r"data\.missing: 'zero' is not one of refuse, drop-row, mean"),
        ({"missing": float("nan")}, r"data\.missing: nan is not"),
        ({"held_out_groups": ["p1"], "ignore_columns": "person"}, "has no groups"),
        ({"held_out_groups": ["p7"], "group_column": "person"}, "no group 'p7', it has p0, p1"),
        ({"held_out_groups": ["p0", "p1", "p2"], "group_column": "person"}, "3 of 3 groups"),
        ({"test_file": "none.csv", "group_column": "person"}, "none.csv: cannot be read"),
        ({"test_file": "none.npz", "group_column": "person"}, "is not of the format"),
        ({"test_file": 3, "group_column": "person"}, r"data\.test_file: 3 is not the path"),
        ({"test_labels_file": "y.txt", "group_column": "person"}, r"goes with data\.test_file"),
        ({"labels_file": "y.txt", "label_column": "label"}, "give only one"),
        ({"test_fraction": True, "group_column": "person"}, r"data\.test_fraction: True is not"),
    ],
)
def test_wrong_options_are_named_as_they_are_typed(
    tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        load(csv(tmp_path, TABLE), **options)


def test_a_test_file_must_have_the_same_columns(tmp_path: Path) -> None:
    train = csv(tmp_path, "a,b,label\n1,2,x\n3,4,y\n")
    for header, message in (
        ("a,c,label", "lacks column 'b'"),
        ("a,b,c,label", "has column 'c', which the training table does not have"),
    ):
        count = header.count(",")
        rows = f"{header}\n{'1,' * count}x\n{'2,' * count}y\n"
        with pytest.raises(UsageError, match=message):
            load(train, test_file=csv(tmp_path, rows, "test.csv"))
    with pytest.raises(UsageError, match=r"data\.held_out_groups: .*has a test split of its own"):
        load(train, test_file=train, held_out_groups=["x"])


def test_a_comma_is_not_both_decimal_mark_and_delimiter(tmp_path: Path) -> None:
    rows = "".join(f'"0,{row}5","1,{row}","a{row % 2}"\n' for row in range(9))
    with pytest.raises(UsageError, match=r"data\.decimal: ',' seems to separate the columns"):
        load(csv(tmp_path, "x,y,label\n" + rows), decimal=",")
    blanks = csv(tmp_path, rows.replace('","', " ").replace('"', ""), "blanks.txt")
    assert load(blanks, decimal=",", label_column=2).features == 2


def test_one_class_alone_asks_for_the_column_of_labels(tmp_path: Path) -> None:
    rows = "".join(f"{row % 3},{row * row},0\n" for row in range(9))
    with pytest.raises(UsageError, match=r"all of them are '0', .*data\.label_column"):
        load(csv(tmp_path, rows), header=False)
