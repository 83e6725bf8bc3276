"""What the pictures show, read back from the figures themselves."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from tifed.errors import UsageError
from tifed.experiment.report import comparison_picture
from tifed.experiment.report.comparison import Row
from tifed.experiment.report.confusion import confusion_picture
from tifed.experiment.report.curves import accuracy_curve
from tifed.experiment.report.device_accuracy import device_picture
from tifed.experiment.report.theme import DARK, LIGHT, png


def test_the_curve_passes_through_what_was_measured_and_nothing_else() -> None:
    figure = accuracy_curve([1, 2, 3], [0.25, None, 0.75], "validation", 1234)
    (axes,) = figure.axes
    assert np.array(axes.lines[0].get_xydata()).tolist() == [[1, 0.25], [3, 0.75]]
    assert [text.get_text() for text in axes.texts] == ["75.00%"]
    assert "1,234 validation samples" in axes.get_title(loc="left")
    assert axes.get_ylim() == (0, 1)


def test_right_answers_and_mistakes_have_different_colours() -> None:
    figure = confusion_picture(np.array([[8, 2], [0, 0]]), ("a", "b"))
    image = np.asarray(figure.axes[0].images[0].get_array())
    assert image[0, 0, 2] > image[0, 0, 0]  # more blue than red
    assert image[0, 1, 0] > image[0, 1, 2]  # more red than blue
    assert image[0, 0, 3] == pytest.approx(0.8**0.5)
    assert image[1, :, 3].tolist() == [0, 0]  # a class without samples
    assert sorted(text.get_text() for text in figure.axes[0].texts) == ["2", "8"]


def test_few_devices_are_bars_and_many_a_histogram() -> None:
    few = device_picture(np.array([3, 5]), np.array([1, 3]), np.array([4, 4])).axes[0]
    assert [bar.get_height() for bar in few.patches] == [0.25, 0.75]  # type: ignore[attr-defined]
    assert [label.get_text() for label in few.get_xticklabels()] == ["3", "5"]
    many = np.arange(1000)
    histogram = device_picture(many, many % 50, np.full(1000, 49)).axes[0]
    assert sum(bar.get_height() for bar in histogram.patches) == 1000  # type: ignore[attr-defined]


def test_one_figure_becomes_a_light_and_a_dark_picture() -> None:
    figure = accuracy_curve([1, 2], [0.1, 0.2], "test", 10)
    first, dark = png(figure, LIGHT), png(figure, DARK)
    corner = [imread(BytesIO(data), format="png")[0, 0, :3].mean() for data in (first, dark)]
    assert corner[0] == 1
    assert corner[1] < 0.15
    assert png(figure, LIGHT) == first


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
