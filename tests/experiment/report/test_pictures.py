"""What the pictures show, read back from the pictures themselves."""

import re
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import numpy as np
import pytest
from matplotlib.image import imread

from tifed.errors import UsageError
from tifed.experiment.report import comparison_picture
from tifed.experiment.report.comparison import Row
from tifed.experiment.report.confusion import confusion_picture
from tifed.experiment.report.curves import accuracy_curve
from tifed.experiment.report.device_accuracy import device_picture
from tifed.experiment.report.ownership import ownership_picture
from tifed.experiment.report.svg import Drawing
from tifed.experiment.report.theme import BLUE, ORANGE


def sheet(drawing: Drawing) -> Element:
    """The whole picture, read as the file that it would be."""
    return fromstring(drawing.file())  # noqa: S314 (our own text)


def shapes(drawing: Drawing, tag: str) -> list[Element]:
    """Those of one kind, in the order in which they were drawn."""
    return [*sheet(drawing).iter(f"{{http://www.w3.org/2000/svg}}{tag}")]


def letters(drawing: Drawing) -> list[str]:
    """What is written on the picture."""
    return [text.text or "" for text in shapes(drawing, "text")]


def titles(drawing: Drawing) -> list[str]:
    """What a pointer over its shapes shows."""
    return [title.text or "" for title in shapes(drawing, "title")]


def number(shape: Element, name: str) -> float:
    """An attribute."""
    return float(shape.attrib[name])


def test_the_curve_passes_through_what_was_measured_and_nothing_else() -> None:
    drawing = accuracy_curve([1, 2, 3], [0.25, None, 0.75], "validation", 1234)
    (line,) = shapes(drawing, "polyline")
    assert line.attrib["points"] == "44.0,157.5 400.0,72.5"  # 0 % lies at 200, 100 % at 30
    assert titles(drawing) == ["round 1: 25.00%", "round 3: 75.00%", "round 3: 75.00%"]
    written = letters(drawing)
    assert "accuracy on 1,234 validation samples" in written
    assert "75.00%" in written
    assert {"0%", "100%"} <= set(written)
    whole = sheet(drawing).attrib["aria-label"]
    assert whole == "Over the rounds, accuracy on 1,234 validation samples: 75.00% in round 3"


def test_a_long_curve_has_every_point_but_not_every_title() -> None:
    drawing = accuracy_curve(range(1, 5001), [0.5] * 5000, "test", 10)
    assert len(shapes(drawing, "polyline")[0].attrib["points"].split()) == 5000
    assert 200 <= len(titles(drawing)) <= 301


def test_right_answers_and_mistakes_have_different_colours() -> None:
    drawing = confusion_picture(np.array([[8, 2], [0, 0]]), ("a", "b"))
    right, wrong = shapes(drawing, "rect")  # a class without samples has no cell
    assert right.attrib["fill"] == BLUE
    assert wrong.attrib["fill"] == ORANGE
    assert number(right, "fill-opacity") == pytest.approx(0.8**0.5, abs=0.01)
    assert titles(drawing) == ["a taken for a: 8 of 10 (80.0%)", "a taken for b: 2 of 10 (20.0%)"]
    assert [text for text in letters(drawing) if text.isdigit()] == ["8", "2"]


def test_few_devices_are_bars_and_many_a_histogram() -> None:
    few = device_picture(np.array([3, 5]), np.array([1, 3]), np.array([4, 4]))
    assert [number(bar, "height") for bar in shapes(few, "rect")] == [40, 120]  # of 160
    assert titles(few) == ["device 3: 25.0% of 4 samples", "device 5: 75.0% of 4 samples"]
    assert {"3", "5", "25.0%", "75.0%"} <= set(letters(few))
    many = np.arange(1000)
    histogram = device_picture(many, many % 50, np.full(1000, 49))
    counted = [int(title.split(": ")[1].split()[0]) for title in titles(histogram)]
    assert sum(counted) == 1000
    heights = [number(bar, "height") for bar in shapes(histogram, "rect")]
    assert heights == pytest.approx([170 * count / max(counted) for count in counted], abs=0.1)


def test_few_owners_are_stacked_bars_and_many_a_map() -> None:
    few = ownership_picture(np.array([[3, 1], [0, 2]]), ("a", "b"))
    assert titles(few) == [
        "device 0: 3 samples of a", "device 0: 1 samples of b", "device 1: 2 samples of b"
    ]  # fmt: skip
    bars = shapes(few, "rect")[:3]
    assert [number(bar, "height") for bar in bars] == [135, 45, 90]
    assert number(bars[1], "y") + 45 == number(bars[0], "y")
    table = np.zeros((10_000, 3), np.int64)
    table[0], table[5000:, 1] = (600, 0, 0), 5
    many = ownership_picture(table, ("a", "b", "c"))
    cells = shapes(many, "rect")
    assert len(cells) < 200
    assert titles(many)[0] == "devices 0 to 55, each: 10.71 samples of a"
    assert titles(many)[-1].endswith(" to 9999, each: 5 samples of b")
    assert [number(cells[n], "fill-opacity") for n in (0, -1)] == [1, 0.47]


def test_a_picture_takes_its_paper_and_ink_from_the_page() -> None:
    drawing = accuracy_curve([1, 2], [0.1, 0.2], "test", 10)
    inline = drawing.inline()
    assert "<style" not in inline
    assert not set(re.findall("#[0-9a-f]{6}", inline)) - {BLUE}
    alone = drawing.file()
    for expected in ("prefers-color-scheme: dark", "--ink: #1d2530", "fill: var(--ink)"):
        assert expected in alone
    assert alone == accuracy_curve([1, 2], [0.1, 0.2], "test", 10).file()


def test_a_name_is_text_wherever_it_stands() -> None:
    drawing = confusion_picture(np.eye(2, dtype=np.int64), ('<b> & "', "$x$"))
    assert '<b> & "' in letters(drawing)
    assert titles(drawing)[0].startswith('<b> & " taken for <b> & "')
    assert "<b>" not in drawing.inline()


def test_runs_are_compared_in_one_picture(tmp_path: Path) -> None:
    path = tmp_path / "new" / "comparison.png"
    rows: list[Row] = [("one", [0.1, None, 0.5], 1.5e6), ("two, $", [0.2, 0.3, 0.51], 3e6)]
    comparison_picture(rows, path)
    assert imread(path).shape[1] == 1800
    before = path.read_bytes()
    comparison_picture(rows, path)
    assert path.read_bytes() == before
    comparison_picture(rows[:1], path)
    assert path.read_bytes() != before


@pytest.mark.parametrize("rows", [[], [("a", [0.5], 1)] * 6, [("a", [None, None], 1)]])
def test_a_comparison_of_nothing_is_refused(tmp_path: Path, rows: list[Row]) -> None:
    with pytest.raises(UsageError, match="rows"):
        comparison_picture(rows, tmp_path / "x.png")


def test_names_are_not_formulas(tmp_path: Path) -> None:
    comparison_picture([(r"$\undefined$", [0.5], 0)], tmp_path / "x.png")
    assert (tmp_path / "x.png").stat().st_size > 1000
