"""CSV without a header, UCR's and WISDM's text, labels in a second file, .ts and ARFF."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tifed.data import load
from tifed.data.readers.text_file import read_csv
from tifed.data.readers.ts_file import read_ts
from tifed.errors import UsageError

CASES = Path(__file__).parent / "cases"
GESTURES, _ = read_csv(CASES / "labels-1-to-3.csv", False)


def write(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


@pytest.mark.parametrize(
    ("name", "options", "names"),
    [
        ("no-header.csv", {"header": False}, ("flex", "punch", "wave")),
        ("no-header.csv", {"header": "auto", "label_column": "c6"}, ("flex", "punch", "wave")),
        ("trailing-comma.csv", {"ignore_columns": [-1]}, ("flex", "punch", "wave")),
        ("ucr-label-first-no-header.txt", {}, ("1", "2", "3")),
        ("ucr-label-first-no-header.txt", {"label_column": 0}, ("1", "2", "3")),
    ],
)
def test_the_same_gestures_in_other_forms(
    name: str, options: dict[str, Any], names: tuple[str, ...]
) -> None:
    dataset = load(CASES / name, quantise="per-feature", **options)
    assert dataset.class_names == names
    assert len(dataset.train) + len(dataset.test) == 120
    table, _ = read_csv(CASES / name, False, **options)
    assert np.array_equal(table.features, GESTURES.features)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("no-header.csv", {}, r"first line has numbers \('-0\.0907'\) .*data\.header=false"),
        ("no-header.csv", {"label_column": 6}, r"first line has numbers .*data\.header=true"),
        ("no-header.csv", {"header": True}, r"data\.label_column: .* no column 'label'"),
        ("trailing-comma.csv", {}, r"line 2 is empty in column 7, .*data\.ignore_columns=\[7\]"),
        ("wisdm-trailing-semicolon.txt", {}, r"line 1, column 'c1': 'Wave' is not a number"),
        ("value-1_000-is-read-as-1000.csv", {}, "line 9, column 'aX': '1_000' is not a number"),
        (
            "wisdm-trailing-semicolon.txt",
            {"label_column": 1, "ignore_columns": [0, 2], "window": 4},
            r"data\.window: .* 0 windows of 4 rows; the longest run .* has 1",
        ),
    ],
)
def test_what_is_refused_says_what_helps(name: str, options: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load(CASES / name, **options)


def test_wisdm() -> None:
    dataset = load(
        CASES / "wisdm-trailing-semicolon.txt",
        label_column=1, group_column=0, ignore_columns=[2],
    )  # fmt: skip
    assert len(dataset.train) + len(dataset.test) == 120
    assert dataset.feature_names == ("c3", "c4", "c5")
    assert dataset.class_names == ("Flex", "Punch", "Wave")
    assert dataset.group_names == ("1600", "1601", "1602")


def test_which_end_holds_the_labels_must_be_clear(tmp_path: Path) -> None:
    both = write(tmp_path, "both.txt", "1 0.5 2\n2 0.25 1\n1 0.5 2\n")
    with pytest.raises(UsageError, match=r"data\.label_column: .* both the first and the last"):
        load(both)
    assert load(both, label_column=0).features == 2
    neither = write(tmp_path, "neither.tsv", "0.5\t1\t0.25\n0.1\t2\t0.75\n")
    with pytest.raises(UsageError, match="neither the first nor the last can be classes"):
        load(neither)
    first = write(tmp_path, "first.tsv", "-1\t1\t0.25\n1\t2\t0.75\n")
    assert load(first).class_names == ("-1", "1")


def test_commas_do_not_say_which_end_holds_the_labels_either(tmp_path: Path) -> None:
    wine = write(tmp_path, "wine.data", "".join(f"{r % 2 + 1},{r}.5,{r * 7}\n" for r in range(40)))
    assert load(wine).class_names == ("1", "2")
    both = write(tmp_path, "hepatitis.data", "".join(f"{r % 2},{r}.5,{r % 3}\n" for r in range(40)))
    with pytest.raises(UsageError, match="both the first and the last can be classes"):
        load(both)


def test_labels_and_persons_in_files_of_their_own(tmp_path: Path) -> None:
    rows = "\n".join(f"  {i * 0.5:e} -{i:e}" for i in range(20))
    table = write(tmp_path, "X_train.txt", rows)
    labels = write(tmp_path, "y_train.txt", "\n".join(str(i % 3 + 1) for i in range(20)) + "\n")
    persons = write(tmp_path, "subject_train.txt", "\n".join(str(i % 2 + 9) for i in range(20)))
    dataset = load(table, labels_file=labels, groups_file=str(persons))
    assert (dataset.features, dataset.class_names) == (2, ("1", "2", "3"))
    assert dataset.group_names == ("9", "10")
    second = load(
        "X_train.txt", data_dir=tmp_path, labels_file="y_train.txt", groups_file=persons,
        test_file=table, test_labels_file=labels, test_groups_file=persons,
    )  # fmt: skip
    assert (len(second.train), len(second.test)) == (20, 20)
    with pytest.raises(UsageError, match=r"data\.test_labels_file: is needed"):
        load(table, labels_file=labels, test_file=table)
    short = write(tmp_path, "short.txt", "1\n2\n")
    with pytest.raises(UsageError, match=r"data\.labels_file: .*2 lines, but .* has 20 rows"):
        load(table, labels_file=short)
    with pytest.raises(UsageError, match=r"data\.groups_file: .*2 lines, but .* has 20 rows"):
        load(table, labels_file=labels, groups_file=short)


TS = """# UCR
@problemName Gestures
@timeStamps false
@univariate false
@classLabel true up down

@data
1,2,3:4,5,6:up
7,8,9:1,2,2:down
3,2,1:1,0.5,3:up
"""


def test_ts(tmp_path: Path) -> None:
    path = write(tmp_path, "g.ts", TS)
    dataset = load(path, test_fraction=34)
    assert dataset.class_names == ("down", "up")
    assert dataset.feature_names == ("d0[0]", "d0[1]", "d0[2]", "d1[0]", "d1[1]", "d1[2]")
    univariate = write(tmp_path, "u.ts", TS.replace(":4,5,6", "").replace(":1,2,2", "")
                       .replace(":1,0.5,3", ""))  # fmt: skip
    one = load(univariate, test_file=univariate, quantise="none")
    assert one.train.features.tolist() == [[1, 2, 3], [7, 8, 9], [3, 2, 1]]
    assert one.feature_names == ("t0", "t1", "t2")
    assert [read_ts(p, False)[0].one_unit for p in (path, univariate)] == [False, True]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("7,8,9:", "7,8:", r"line 9 has series of \[2, 3\] readings, .* \[3, 3\]"),
        ("false", "true", "line 3: series with time stamps"),
        ("@data", "", "line 8: must begin with @ or #"),
        (TS[TS.index("1,2,3") :], "", "has no samples after @data"),
        ("classLabel true", "classLabel false", "line 5: the samples have no classes"),
        ("9:1", "9_0:1", r"line 9, column 'd0\[2\]': '9_0' is not a number"),
    ],
)
def test_a_wrong_ts_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load(write(tmp_path, "g.ts", TS.replace(old, new, 1)))


ARFF = """% a comment
@RELATION iris

@attribute 'sepal length' NUMERIC
@attribute petal real
@attribute who {1_0,10}
@attribute Class {'Iris setosa',versicolor}

@DATA
% another
5.1, 3.5, 10, 'Iris setosa'
4.9,?,1_0,versicolor
7,1e1,10,'Iris setosa'
"""


def test_arff(tmp_path: Path) -> None:
    path = write(tmp_path, "i.arff", ARFF)
    whole = load(path, group_column="who", missing=0, test_file=path, quantise="per-feature")
    assert whole.class_names == ("Iris setosa", "versicolor")
    assert whole.group_names == ("10", "1_0")
    assert whole.feature_names == ("sepal length", "petal")


@pytest.mark.parametrize(
    ("old", "new", "options", "message"),
    [
        ("?", "3", {}, "line 11, column 'who': '10' |line 12, column 'who': '1_0' is not a number"),
        ("?", "?", {"ignore_columns": "who"}, r"line 12, column 'petal': '\?' is .* missing"),
        ("@DATA", "", {}, "line 11: .5.1, 3.5, .* is not @attribute NAME TYPE"),
        ("@attribute petal real", "@attribute petal", {}, "line 5: .*is not @attribute NAME TYPE"),
        ("5.1, 3.5, 10, 'Iris setosa'", "{0 5.1}", {}, "line 11: sparse rows are not read"),
        ("Class {'Iris setosa',versicolor}", "y real", {}, r"data\.label_column: .*'y', is real"),
        ("4.9,?,", "4.9,", {"ignore_columns": "who"}, "line 12 has 3 values"),
    ],
)
def test_a_wrong_arff_is_refused(
    tmp_path: Path, old: str, new: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        load(write(tmp_path, "i.arff", ARFF.replace(old, new, 1)), **options)
