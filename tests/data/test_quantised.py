"""What a map did to the numbers is said, and so is what makes it doubtful."""

from pathlib import Path

import numpy as np
import pytest

from tifed.data import Dataset, load
from tifed.data.quantisation.quantised import quantised, report_on
from tifed.errors import UsageError

GENERATOR = np.random.default_rng(3)


def split(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return numbers[:300], numbers[300:]


def names(numbers: np.ndarray) -> list[str]:
    return [f"f{feature}" for feature in range(numbers.shape[1])]


def test_levels_and_saturation_are_counted() -> None:
    train = np.array([[-128, 5, 7], [127, 5, 7], [0, 5, 8]], np.int8)
    report = report_on("identity", train, (0.25, 0.5))
    assert (report.levels_least, report.levels_median, report.constant_features) == (2, 2, 1)
    assert str(report) == (
        "identity map, features use 2 of 256 levels, 1 never change, 25.00% of the values "
        "saturate in training and 50.00% in the held-out data"
    )
    assert "no feature changes" in str(report_on("identity", np.zeros((3, 2), np.int8)))


@pytest.mark.parametrize("quantise", ["none", "shared"])
def test_numbers_that_use_little_of_int8_are_said(quantise: str) -> None:
    numbers = np.hstack([GENERATOR.integers(0, 2, (400, 2)), GENERATOR.integers(0, 90, (400, 1))])
    told = quantised(split(numbers), quantise, names(numbers)).warnings
    assert len(told) == 1
    assert told[0].startswith("'f0', 'f1' of 3 features: spread over fewer than 32")
    assert 'data.quantise = "per-feature"' in told[0]
    assert quantised(split(numbers), "auto", names(numbers)).warnings == ()


def test_where_no_map_is_right_that_is_said() -> None:
    numbers = np.exp(GENERATOR.normal(scale=6, size=(400, 1)))
    (warning,) = quantised(split(numbers), "auto", ["price"]).warnings
    assert "'price' of 1 features" in warning
    assert "take their logarithm" in warning
    assert quantised(split(np.log(numbers)), "auto", ["price"]).warnings == ()


def test_numbers_out_of_the_range_are_said_by_split() -> None:
    train, test = split(GENERATOR.normal(size=(400, 3)))
    test = test + np.array([0, 1.5, 0])
    told = quantised((train, test), "per-feature", ["a", "b", "c"])
    assert len(told.warnings) == 1
    assert "of the held-out values lie outside the map's range" in told.warnings[0]
    assert "'b'" in told.warnings[0]
    assert told.report.saturated_training is not None
    assert told.report.saturated_test is not None
    assert told.report.saturated_training < 0.01 < told.report.saturated_test


def two_files(folder: Path) -> tuple[Dataset, Path]:
    """A table of three columns with units of their own, and its saved map."""
    numbers = GENERATOR.normal(size=(90, 3)) * [1, 300, 0.01] + [20, 101_300, 0.4]
    lines = [f"{t!r},{p!r},{h!r},{['dry', 'mild', 'wet'][i % 3]}" for i, (t, p, h) in
             enumerate(numbers.tolist())]  # fmt: skip
    (folder / "first.csv").write_text("temp,press,hum,label\n" + "\n".join(lines) + "\n")
    turned = [",".join([h, t, p, label]) for t, p, h, label in (x.split(",") for x in lines)]
    (folder / "second.csv").write_text("hum,temp,press,label\n" + "\n".join(turned) + "\n")
    first = load(str(folder / "first.csv"))
    assert first.quantisation is not None
    first.quantisation.save(folder / "map.json")
    return first, folder / "map.json"


def test_a_saved_map_finds_its_columns_by_name(tmp_path: Path) -> None:
    first, path = two_files(tmp_path)
    second = load(str(tmp_path / "second.csv"), quantise=path)
    assert second.digest == first.digest
    assert second.feature_names == ("temp", "press", "hum")
    assert second.report is not None
    assert second.report.map == "saved"


def test_a_map_without_names_refuses_columns_in_another_order(tmp_path: Path) -> None:
    first, path = two_files(tmp_path)
    text = path.read_text().replace('"version": 2', '"version": 1')
    path.write_text(text.replace('"feature_names"', '"unknown"'))
    assert load(str(tmp_path / "first.csv"), quantise=path).digest == first.digest
    with pytest.raises(UsageError, match=r"'hum', 'temp', 'press' of 3 features: more than half"):
        load(str(tmp_path / "second.csv"), quantise=path)


def test_other_columns_than_the_saved_map_has_are_refused(tmp_path: Path) -> None:
    _, path = two_files(tmp_path)
    table = tmp_path / "second.csv"
    table.write_text(table.read_text().replace("press", "pressure", 1))
    with pytest.raises(UsageError, match=r"lacks column 'press', .*did you mean 'pressure'"):
        load(str(table), quantise=path)
    lines = (tmp_path / "first.csv").read_text().splitlines()
    table.write_text("\n".join([f"{lines[0]},extra", *(f"{line},1" for line in lines[1:])]))
    with pytest.raises(
        UsageError, match=r"column 'extra', which the saved map .*data\.ignore_columns"
    ):
        load(str(table), quantise=path)


@pytest.mark.parametrize("share", [0.05, 0.15, 0.3, 0.6])
def test_a_number_that_stands_for_missing_values_is_said(share: float) -> None:
    generator = np.random.default_rng(1)
    numbers = generator.normal(size=(400, 2))
    numbers[generator.random((400, 2)) < share] = -999
    (warning,) = quantised(split(numbers), "auto", names(numbers)).warnings
    assert "'f0', 'f1' of 2 features: most of the different values fall on 3 levels" in warning
    assert "data.missing" in warning


@pytest.mark.parametrize("scale", [1e-30, 1.0])
def test_a_map_that_does_not_help_is_not_advised(scale: float) -> None:
    numbers = np.random.default_rng(1).normal(size=(400, 2)) * scale + (scale == 1) * 1e9
    (warning,) = quantised(split(numbers), "auto", names(numbers)).warnings
    assert "spread over fewer than 32" in warning
    assert "no choice of data.quantise is right" in warning
    assert "per-feature" not in warning


def test_counts_of_words_are_not_suspicious() -> None:
    often = np.append(30, np.full(299, 0.3))
    told = quantised(
        split(np.random.default_rng(1).poisson(often, (400, 300))),
        "auto",
        list(map(str, range(300))),
    )
    assert told.report.map == "shared"
    assert not any("very far from the others" in warning for warning in told.warnings)
    assert "'0' of 300 features: more than half of the training values" in told.warnings[0]
    assert 'data.quantise = "per-feature"' in told.warnings[0]


def test_a_few_held_out_values_beyond_the_range_are_chance() -> None:
    for seed in range(20):
        numbers = np.random.default_rng(seed).normal(size=(600, 1))
        assert quantised(split(numbers), "auto", ["x"]).warnings == ()
