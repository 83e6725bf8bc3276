"""Tables that hold what is hardly meant are refused, or said to be doubtful."""

from pathlib import Path

import numpy as np
import pytest

from tifed.data import load
from tifed.data.split import with_every_class
from tifed.errors import UsageError

GENERATOR = np.random.default_rng(5)
NOISE = GENERATOR.normal(size=(60, 2))
NAMES = ["sit", "walk", "run"]


def table(folder: Path, *columns: tuple[str, object], labels: list[str] | None = None) -> str:
    """A CSV file of 60 rows, sorted by class, with two columns of noise and others beside them."""
    rows = labels or [NAMES[row // 20] for row in range(60)]
    noise = [("x", NOISE[:, 0]), ("y", NOISE[:, 1])]
    lines = [",".join([*(name for name, _ in (*columns, *noise)), "label"])]
    for row, label in enumerate(rows):
        lines.append(",".join([*(str(v[row]) for _, v in (*columns, *noise)), label]))  # type: ignore[index]
    path = folder / "mine.csv"
    path.write_text("\n".join(lines) + "\n")
    return str(path)


@pytest.mark.parametrize("name", ["", "Unnamed: 0"])
def test_a_column_that_nobody_named_is_refused(tmp_path: Path, name: str) -> None:
    path = table(tmp_path, (name, range(60)))
    with pytest.raises(UsageError, match=r"feature column 1 .*data\.ignore_columns = \['"):
        load(path)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (range(60), "counts the rows"),
        (range(7, 67), "counts the rows"),
        ([20 * row + row % 3 for row in range(60)], "rises from row to row"),
        ([-(row**2) for row in range(60)], "falls from row to row"),
        ([5 * (row % 30) for row in range(60)], "rises from row to row"),  # starts over once
    ],
)
def test_a_column_that_tells_where_a_row_stands_is_named(
    tmp_path: Path, values: object, said: str
) -> None:
    warnings = load(table(tmp_path, ("t", values))).warnings
    assert len(warnings) == 1
    assert "'t'" in warnings[0]
    assert said in warnings[0]
    assert "data.ignore_columns = ['t']" in warnings[0]


def test_a_file_without_names_has_no_column_to_ignore(tmp_path: Path) -> None:
    features = np.column_stack([np.arange(60), NOISE])
    np.savez(tmp_path / "mine.npz", features=features, labels=np.arange(60) // 20)
    (warning,) = load(tmp_path / "mine.npz").warnings
    assert "feature 0 counts the rows" in warning
    assert "leave it out of the file" in warning


def test_a_class_with_the_name_of_a_missing_value_is_said(tmp_path: Path) -> None:
    labels = [["sit", "nan", "none"][row % 3] for row in range(60)]
    (warning,) = load(table(tmp_path, labels=labels)).warnings
    assert "class 'nan' has the name of a missing value" in warning


def test_noise_is_not_suspicious(tmp_path: Path) -> None:
    assert load(table(tmp_path)).warnings == ()


def test_columns_that_never_change_are_named(tmp_path: Path) -> None:
    (warning,) = load(table(tmp_path, ("dead", [3] * 60))).warnings
    assert "'dead' of 3 features: never change" in warning
    np.savez(tmp_path / "mine.npz", features=np.ones((40, 2)), labels=np.arange(40) % 2)
    with pytest.raises(UsageError, match="not one of them changes in training"):
        load(str(tmp_path / "mine.npz"))


def test_a_class_of_one_sample_is_kept_for_training_and_named(tmp_path: Path) -> None:
    labels = [NAMES[row % 2] for row in range(59)] + ["fall"]
    dataset = load(table(tmp_path, labels=labels))
    fall = dataset.class_names.index("fall")
    assert dataset.train.labels.tolist().count(fall) == 1
    assert fall not in dataset.test.labels
    single, unjudged = dataset.warnings
    assert "class 'fall' has a single training sample" in single
    assert "class 'fall' has no held-out sample" in unjudged


def test_a_class_that_training_lacks_is_named(tmp_path: Path) -> None:
    np.savez(
        tmp_path / "mine.npz",
        features=NOISE,
        labels=np.arange(60) % 2,
        test_features=NOISE[:9] / 2,
        test_labels=np.arange(9) % 3,
    )
    (warning,) = load(str(tmp_path / "mine.npz")).warnings
    assert "class '2' has no training sample, so that the network cannot learn it" in warning


def test_every_class_keeps_a_training_sample_whatever_was_taken() -> None:
    labels = np.array([0, 0, 1, 1, 2], np.int32)
    kept, taken = with_every_class(labels, np.array([0, 1]), np.array([2, 3, 4]))
    assert (kept.tolist(), taken.tolist()) == ([0, 1, 2, 4], [3])
    # A held-out split that would be left empty stays as it is.
    kept, taken = with_every_class(labels, np.array([0, 1]), np.array([4]))
    assert (kept.tolist(), taken.tolist()) == ([0, 1], [4])


def test_samples_that_stand_in_both_splits_are_counted(tmp_path: Path) -> None:
    np.savez(
        tmp_path / "mine.npz",
        features=NOISE,
        labels=np.arange(60) % 2,
        test_features=NOISE[:20],
        test_labels=np.arange(20) % 2,
    )
    (warning,) = load(str(tmp_path / "mine.npz")).warnings
    assert "20 of 20 held-out samples are equal to training samples" in warning


def test_rows_of_a_few_flags_are_equal_by_nature(tmp_path: Path) -> None:
    flags = GENERATOR.integers(0, 2, (60, 4))
    np.savez(tmp_path / "mine.npz", features=flags, labels=np.arange(60) % 2)
    assert load(str(tmp_path / "mine.npz")).warnings == ()


def test_copies_of_training_rows_are_counted_among_flags_too(tmp_path: Path) -> None:
    flags = GENERATOR.integers(0, 2, (60, 20))
    np.savez(
        tmp_path / "mine.npz",
        features=flags,
        labels=np.arange(60) % 2,
        test_features=flags[:12],
        test_labels=np.arange(12) % 2,
    )
    (warning,) = load(str(tmp_path / "mine.npz")).warnings
    assert "12 of 12 held-out samples are equal to training samples" in warning
