"""What labels and groups mean: numbers, names, or nothing that can be meant."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tifed.data import load
from tifed.data.labels import encode_groups, encode_labels
from tifed.errors import UsageError

PATH = Path("mine.csv")
CASES = Path(__file__).parent / "cases"


def encoded(labels: Any, classes: int | None = None, names: Any = None) -> Any:
    codes, found = encode_labels([np.array(labels)], classes, names, PATH)
    return codes[0].tolist(), found


@pytest.mark.parametrize(
    ("labels", "codes", "names"),
    [
        (["0", "1", "2", "1"], [0, 1, 2, 1], ("0", "1", "2")),
        (["3", "1", "2", "1"], [2, 0, 1, 0], ("1", "2", "3")),
        (["10", "9", "-1", "9"], [2, 1, 0, 1], ("-1", "9", "10")),
        ([0, 1, 3, 3], [0, 1, 2, 2], ("0", "1", "3")),
        ([-1.0, 1.0], [0, 1], ("-1", "1")),
        (["1.0000000e+00", "2.0000000e+00"], [0, 1], ("1", "2")),
        (["1", "01", "1", "01"], [1, 0, 1, 0], ("01", "1")),
        (["1_0", "10", "10"], [1, 0, 0], ("10", "1_0")),
        (["walk", "sit", "9"], [2, 1, 0], ("9", "sit", "walk")),
        (["\u0661", "1"], [1, 0], ("1", "\u0661")),
        (["99999999999999999999", "99999999999999999998"], [1, 0], None),
    ],
)
def test_labels_are_numbers_only_if_they_can_be_nothing_else(
    labels: Any, codes: list[int], names: tuple[str, ...] | None
) -> None:
    found = encoded(labels)
    assert found[0] == codes
    assert names is None or found[1] == names


@pytest.mark.parametrize(
    ("labels", "classes", "names", "message"),
    [
        (["0.5", "1.5"], None, None, r"row 0: 0\.5 is not an integer; a label is a class"),
        (["1", "1.5"], None, None, r"row 1: 1\.5 is not an integer"),
        (np.arange(600), None, None, r"600 different values .*data\.classes=600"),
        ([f"id{i}" for i in range(60)], None, None, "60 different values in 60 samples"),
        (["a", "b"], None, ["a", "c"], r"data\.class_names: mine\.csv has the label 'b'"),
        (["wlak", "sit"], None, ["sit", "walk"], "did you mean 'walk'"),
        (["a", "b"], None, ["a", "a"], "must be a list of two or more different names"),
        (["a", "b"], None, "ab", "must be a list"),
        (["a", "b"], 3, ["a", "b"], "2 names, but data.classes is 3"),
        ([0, 1, 2], None, ["sit", "walk"], "has the label '2', which is not one of 0, 1"),
    ],
)
def test_what_is_no_class_is_refused(
    labels: Any, classes: int | None, names: Any, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        encoded(labels, classes, names)


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(UsageError, match="is not UTF-8 text"):
        encoded(np.array([b"a\xff", b"b"]))
    with pytest.raises(UsageError, match="holds half a character"):
        encoded(["\ud800", "b"])
    with pytest.raises(UsageError, match="holds half a character"):
        encode_groups([np.array(["\udfff", "b"])])


def test_names_for_labels_that_count_from_1_say_what_they_are_taken_for() -> None:
    with pytest.raises(UsageError, match="labels are numbers of names, from 0"):
        encoded([1, 2, 3], None, ["sit", "walk", "run"])


def test_class_names_give_the_numbers() -> None:
    assert encoded(["a", "b", "b"], None, ["b", "c", "a"]) == ([2, 0, 0], ("b", "c", "a"))
    assert encoded([1, 0, 1], None, ["sit", "walk"]) == ([1, 0, 1], ("sit", "walk"))
    assert encoded([1, 2, 1], None, [2, 1]) == ([1, 0, 1], ("2", "1"))


def test_many_classes_are_believed_if_they_are_said_or_have_samples() -> None:
    assert encoded(np.arange(100), 100)[1][99] == "99"
    assert len(encoded(np.arange(1000) % 100)[1]) == 100


@pytest.mark.no_cover
@pytest.mark.no_cover
@given(st.lists(st.text(min_size=1, max_size=4), min_size=1, max_size=20))
def test_groups_are_as_many_as_there_are_different_texts(words: list[str]) -> None:
    kept = [word for word in words if not word.endswith("\0")]  # NumPy's text ends there
    if kept:
        codes, names = encode_groups([np.array(kept, dtype=np.str_)])
        assert [names[code] for code in codes[0]] == kept
        assert len(set(names)) == len(names)


def test_persons_1_10_and_11_0_are_two() -> None:
    dataset = load(CASES / "person-ids-1_10-and-11_0.csv", group_column="person", test_fraction=20)
    assert len(dataset.group_names) == 4
    assert np.bincount(dataset.train.groups).tolist() == [48] * 4  # type: ignore[arg-type]


def test_labels_1_to_3_are_three_classes() -> None:
    dataset = load(CASES / "labels-1-to-3.csv")
    assert dataset.class_names == ("1", "2", "3")
    assert np.bincount(dataset.train.labels).tolist() == [32] * 3
    with pytest.raises(UsageError, match=r"row 2: 3 is not an integer in 0..2, as data.classes=3"):
        load(CASES / "labels-1-to-3.csv", classes=3)
