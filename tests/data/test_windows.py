"""Readings become windows that never cross a change, and no reading is in both splits."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tifed.data import load
from tifed.data.table import Table
from tifed.data.windows import windowed
from tifed.errors import UsageError

PATH = Path("mine.csv")


def readings(labels: str, groups: str | None = None, segments: str | None = None) -> Table:
    """Row i is (i, -i)."""
    place = np.arange(len(labels))
    return Table(
        np.stack([place, -place], axis=1),
        np.array(list(labels)),
        None if groups is None else np.array(list(groups)),
        ("ax", "ay"),
        segments=None if segments is None else np.array(list(segments)),
    )


def test_a_window_is_its_rows_one_after_another() -> None:
    table, test = windowed(readings("aaaaabbb"), 2, 1, None, PATH)
    assert test is None
    assert table.features[0].tolist() == [0, 0, 1, -1]
    assert table.features[:, 0].tolist() == [0, 1, 2, 3, 5, 6]
    assert table.labels.tolist() == list("aaaabb")
    assert table.feature_names == ("ax[0]", "ay[0]", "ax[1]", "ay[1]")
    assert not table.one_unit
    one = readings("aaab")
    one = replace(one, features=one.features[:, :1], feature_names=("ax",))
    assert windowed(one, 2, 1, None, PATH)[0].one_unit


@pytest.mark.parametrize(
    ("labels", "groups", "segments", "starts"),
    [
        ("aaaabbbb", None, None, [0, 2, 4, 6]),
        ("aaaabbb", None, None, [0, 2, 4]),
        ("aaaaaaaa", "11122222", None, [0, 3, 5]),
        ("aaaaaaaa", None, "11122222", [0, 3, 5]),
        ("aabbaaab", None, None, [0, 2, 4]),
    ],
)
def test_windows_do_not_cross_a_change(
    labels: str, groups: str | None, segments: str | None, starts: list[int]
) -> None:
    table, _ = windowed(readings(labels, groups, segments), 2, 2, None, PATH)
    assert table.features[:, 0].tolist() == starts


@pytest.mark.parametrize("hop", [1, 3, 8, 11])
def test_no_reading_is_in_both_splits(hop: int) -> None:
    table, test = windowed(readings("a" * 90 + "b" * 60 + "a" * 9 + "b" * 9), 8, hop, 25, PATH)
    assert test is not None
    rows = [set(part.features[:, ::2].ravel().tolist()) for part in (table, test)]
    assert not rows[0] & rows[1]
    assert set(table.labels.tolist()) == set(test.labels.tolist()) == {"a", "b"}
    # What is left out shares a row with a test window, and no more than that.
    whole = windowed(readings("a" * 90 + "b" * 60 + "a" * 9 + "b" * 9), 8, hop, None, PATH)[0]
    missing = len(whole.labels) - len(table.labels) - len(test.labels)
    assert missing <= 2 * (7 // hop) + 2


@pytest.mark.parametrize(
    ("window", "hop", "message"),
    [
        (9, 1, "0 windows of 9 rows; the longest run of rows with one label has 5"),
        (0, 1, "data.window: 0 is not a whole number of rows"),
        (2, 0, "data.hop: 0 is not a whole number"),
        (1 << 20, 1, "more than 131072 features"),
    ],
)
def test_impossible_windows_are_refused(window: int, hop: int, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        windowed(readings("aaaaabbb"), window, hop, None, PATH)


def test_gestures_of_persons_out_of_a_csv(tmp_path: Path) -> None:
    rows = [
        f"{person},{gesture},{take},{time},{time * person},{gesture == 'wave'}"
        for person in (1, 2, 3)
        for gesture in ("wave", "punch")
        for take in (1, 2)
        for time in range(20)
    ]
    text = "who,what,take,t,ax,ay\n" + "\n".join(rows).replace("True", "9").replace("False", "-9")
    (tmp_path / "g.csv").write_text(text, encoding="utf-8")
    options: dict[str, Any] = {
        "label_column": "what", "group_column": "who", "segment_column": "take",
        "ignore_columns": ["t"], "window": 8, "hop": 4,
    }  # fmt: skip
    dataset = load(tmp_path / "g.csv", held_out_groups=[3], **options)
    assert (dataset.features, dataset.group_names) == (16, ("1", "2", "3"))
    assert (len(dataset.train), len(dataset.test)) == (2 * 2 * 2 * 4, 2 * 2 * 4)
    assert dataset.test.groups is not None
    assert set(dataset.test.groups.tolist()) == {2}
    split = load(tmp_path / "g.csv", **options)
    timed = load(tmp_path / "g.csv", **options | {"ignore_columns": [], "segment_column": None})
    # Once, and by the column's name: a window's features cannot be left out.
    assert sum("data.ignore_columns = ['t']" in warning for warning in timed.warnings) == 1
    assert not any("t[0]" in warning for warning in timed.warnings)
    assert len(split.test) == 3 * 2 * 2
    alone: dict[str, Any] = {"hop": 4, "segment_column": "take"}
    for name, value in alone.items():
        with pytest.raises(UsageError, match=rf"data\.{name}: goes with data\.window"):
            load(tmp_path / "g.csv", label_column="what", **{name: value})


def test_rows_of_several_persons_by_turns_are_not_lost_without_a_word() -> None:
    assert len(windowed(readings("aaaabbbbab"), 4, 1, None, PATH)[0].labels) == 2
    with pytest.raises(UsageError, match="10 of the 18 rows .* shorter than a window of 4 rows"):
        windowed(readings("aaaabbbb" + "ab" * 5), 4, 1, None, PATH)
