"""NumPy's reader and the careful one agree, and what is wrong is found by line and column."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tifed.data.columns import choose_columns
from tifed.data.numerals import is_number
from tifed.data.text_rows import TextForm, _Block, read_rows
from tifed.errors import UsageError

PATH = Path("mine.csv")
COLUMNS = choose_columns(["a", "label", "b"], PATH, label="label")

near_numbers = st.one_of(
    st.floats().map(repr),
    st.integers().map(str),
    st.text(alphabet="0123456789+-.eE_ \t\xa0\u0661xdfinaj", max_size=8),
    st.text(st.characters(codec="utf-8", exclude_characters="\n\r,;\"'"), max_size=4),
)


@given(near_numbers, near_numbers)
@example("1_000", "2")
@example("0x1", "2")
@example("\u0661", "2")
@example("nan", "2")
@example("infinity", "2")
@example("1e999", "2")
@example("1 2", "2")
@example("", "2")
@example("1e", "2")
@example("\x1c1", "\u20032\u3000")
@settings(max_examples=200, deadline=None)
def test_both_readers_agree(first: str, second: str) -> None:
    line = f"{first},x,{second}"
    block = _Block(COLUMNS, TextForm(","), PATH)
    block.add(2, line)
    fast = block._fast()
    try:
        careful = block._careful()
    except UsageError:
        assert fast is None, f"{line!r} is no number, but NumPy took it"
    else:
        assert fast is not None, f"{line!r} is a number, but NumPy refused it"
        assert fast.tobytes() == careful.tobytes()


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_decimal_comma_changes_nothing_else(value: float) -> None:
    for lines in ([f"{value!r},x,1"], [f"{value!r};x;1".replace(".", ",")]):
        form = TextForm(";", ",") if ";" in lines[0] else TextForm(",")
        block = _Block(COLUMNS, form, PATH)
        block.add(2, lines[0])
        found = block._fast()
        assert found is not None
        assert found.tolist() == [[value, 1.0]]
        assert block._careful().tolist() == [[value, 1.0]]


@pytest.mark.parametrize(
    "text", ["1_000", " 1 2", "0x1", "\u0661", "nan", "1,5", "--1", "1e5.0", "+"]
)
def test_what_is_no_number(text: str) -> None:
    assert not is_number(text)


@pytest.mark.parametrize("text", ["1e3", "-.5", "+1.0", " 7 ", "5.", "00012", "1E-3"])
def test_what_is_a_number(text: str) -> None:
    assert is_number(text)


@pytest.mark.slow
def test_blocks_are_joined_in_order_and_small_integers_stay_small() -> None:
    count = 200_000  # several blocks

    def lines(last: str) -> list[tuple[int, str]]:
        rows = [(i + 2, f"{i % 251},x,{i % 7}") for i in range(count)]
        return [*rows, (count + 2, last)]

    table = read_rows(iter(lines("255,x,0")), COLUMNS, TextForm(","), PATH)
    assert table.features.dtype == np.uint8
    assert np.array_equal(table.features[:-1, 0], np.arange(count) % 251)
    assert table.feature_names == ("a", "b")
    table = read_rows(iter(lines("-300,x,0.5")), COLUMNS, TextForm(","), PATH)
    assert table.features.dtype == np.float64
    assert table.features[-1].tolist() == [-300, 0.5]
    assert np.array_equal(table.features[:-1, 1], np.arange(count) % 7)
    with pytest.raises(UsageError, match=f"line {count + 2}, column 'b': '1_0' is not a number"):
        read_rows(iter(lines("1,x,1_0")), COLUMNS, TextForm(","), PATH)


def test_quoted_rows_and_plain_rows_are_read_alike() -> None:
    lines = [(2, '1,"a, b",2'), (3, "3,c,4"), (4, '"5","d'), (5, 'e",6'), (6, "7,f,8")]
    table = read_rows(iter(lines), COLUMNS, TextForm(","), PATH)
    assert table.features.tolist() == [[1, 2], [3, 4], [5, 6], [7, 8]]
    assert table.labels.tolist() == ["a, b", "c", "d\ne", "f"]
    with pytest.raises(UsageError, match=r"line 7, column 'a': '1,5' is not a number; .*decimal"):
        read_rows(iter([*lines, (7, '"1,5",g,8')]), COLUMNS, TextForm(","), PATH)
    with pytest.raises(UsageError, match=r"line 7: is not well-formed CSV"):
        read_rows(iter([*lines, (7, '1,"x"y,8')]), COLUMNS, TextForm(","), PATH)


def test_missing_values_become_nan_where_they_may() -> None:
    lines = [(2, "1,x,"), (3, "NA,y,?"), (4, "2,z,nan")]
    table = read_rows(iter(lines), COLUMNS, TextForm(",", missing=True), PATH)
    assert [[math.isnan(v) for v in row] for row in table.features] == [
        [False, True], [True, True], [False, True],
    ]  # fmt: skip
    with pytest.raises(UsageError, match=r"line 2, column 'b': '' is .*data\.missing = 'drop-row'"):
        read_rows(iter(lines), COLUMNS, TextForm(","), PATH)
    with pytest.raises(UsageError, match=r"line 2, column 'b': 'inf' is not a number"):
        read_rows(iter([(2, "1,x,inf")]), COLUMNS, TextForm(",", missing=True), PATH)


def test_a_label_as_long_as_a_novel_is_refused() -> None:
    with pytest.raises(UsageError, match=r"line 2, column 'label': 'xxx.* has 300000 characters"):
        read_rows(iter([(2, f"1,{'x' * 300_000},2")]), COLUMNS, TextForm(","), PATH)
