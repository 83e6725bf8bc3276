"""Numbers of any range become int8 with integer constants only."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tifed.data import Quantisation, calibrate, choose, load_quantisation
from tifed.data.quantisation.calibration import _ordered
from tifed.data.quantisation.quantisation import as_int8
from tifed.errors import UsageError

FINITE = st.floats(-1e20, 1e20, allow_nan=False, allow_infinity=False)


def on_a_device(quantisation: Quantisation, value: float, feature: int) -> int:
    """The map with Python's unbounded integers, as SPEC-reading firmware would write it."""
    at = feature if len(quantisation.shift) > 1 else 0
    fixed = round(Fraction(value) * Fraction(2) ** quantisation.fraction_bits[at])
    fixed = max(-(2**31), min(fixed, 2**31 - 1))
    scaled = (fixed * quantisation.multiplier[at] + quantisation.bias[at]) >> quantisation.shift[at]
    return max(-128, min(scaled, 127))


@settings(max_examples=60, deadline=None)
@given(
    arrays(np.float64, st.tuples(st.integers(1, 12), st.integers(1, 3)), elements=FINITE),
    st.booleans(),
)
def test_any_numbers_map_as_integers_do(numbers: np.ndarray[Any, Any], shared: bool) -> None:
    quantisation = calibrate(numbers, shared=shared)
    result = quantisation.apply(numbers)
    expected = [[on_a_device(quantisation, v, d) for d, v in enumerate(row)] for row in numbers]
    assert result.tolist() == expected
    for d, column in enumerate(numbers.T):
        order = np.argsort(column)
        assert (np.diff(result[order, d].astype(int)) >= 0).all(), "the map must be monotonic"


def test_the_training_range_fills_int8_and_the_rest_saturates() -> None:
    train = np.array([[1e-6, 101_300.0], [5e-6, 101_350.0]])
    quantisation = calibrate(train)
    assert quantisation.apply(train).tolist() == [[-128, -128], [127, 127]]
    beyond = np.array([[-1.0, 1e30], [3e-6, 101_325.0]])
    assert quantisation.apply(beyond).tolist() == [[-128, 127], [0, 0]]


def test_one_outlier_does_not_squeeze_the_rest() -> None:
    numbers = np.append(np.linspace(0, 1, 999), 1e6)[:, None]
    assert np.ptp(calibrate(numbers).apply(numbers)[:999].astype(int)) >= 250


def test_rare_events_and_constants() -> None:
    numbers = np.zeros((1000, 2))
    numbers[7, 0] = 3.0
    result = calibrate(numbers).apply(numbers)
    assert sorted(set(result[:, 0].tolist())) == [-128, 127]
    assert set(result[:, 1].tolist()) == {0}


def test_a_shared_map_keeps_the_ratio_of_features() -> None:
    numbers = np.array([[0.0, 10.0], [1.0, 20.0]])
    assert calibrate(numbers, shared=True).apply(numbers).tolist() == [[-128, 0], [-115, 127]]


def test_integers_that_fit_are_not_scaled_to_fixed_point() -> None:
    assert calibrate(np.array([[0], [4095]])).fraction_bits == (0,)


@pytest.mark.parametrize(
    ("numbers", "kind"),
    [
        (np.array([[-128, 127], [127, -128]]), "identity"),
        (np.array([[-128.0, 127.0], [100.0, 0.0]]), "identity"),
        (np.array([[0, 127], [127, 0]]), "affine"),
        (np.array([[0, 127], [127, 0]], np.int8), "identity"),
        (np.array([[0, 1], [1, 0]], np.int8), "affine"),
        (np.array([[0, 255], [255, 0]], np.uint8), "minus-128"),
        (np.array([[-1, 255], [255, -1]]), "affine"),
        (np.array([[0.5, 1], [1, 0.5]], np.float32), "affine"),
        (np.array([[True, False], [False, True]]), "affine"),
        (np.array([[2**64 - 1, 1], [1, 2**64 - 1]], np.uint64), "affine"),
    ],
)
def test_integers_stay_as_they_are_only_where_they_fill_int8(numbers: Any, kind: str) -> None:
    assert choose(numbers).kind == kind


def test_one_value_out_of_a_thousand_does_not_change_the_kind_of_map() -> None:
    numbers = np.random.default_rng(1).integers(-128, 128, (500, 4))
    numbers[17, 2] = 400
    assert choose(numbers).kind == "identity"
    assert choose(numbers).count(numbers)[1].tolist() == [0, 0, 1, 0]


def test_columns_of_their_own_scale_get_maps_of_their_own_and_pictures_share_one() -> None:
    generator = np.random.default_rng(2)
    flags, age = generator.integers(0, 2, (400, 3)), generator.integers(18, 90, (400, 1))
    assert len(choose(np.hstack([flags, age])).shift) == 4
    assert len(choose(flags).shift) == 1
    # Though nine of ten numbers of the table are 0.
    rare = np.where(generator.random((400, 30)) < 0.02, 1, 0)
    assert len(choose(np.hstack([rare, flags[:, :1], age])).shift) == 32
    edge = (generator.random((400, 1)) < 0.01) * 2  # a pixel that is nearly always 0
    pixels = np.hstack([generator.integers(0, 17, (400, 3)), edge])
    assert len(choose(pixels).shift) == 1
    assert len(choose(np.hstack([flags, age]), one_unit=True).shift) == 1
    # A column per rare category, beside measurements on which the network would otherwise look.
    readings = generator.normal(size=(400, 3)) * 50
    assert len(choose(np.hstack([rare, readings])).shift) == 33
    assert len(choose(rare).shift) == 1


@settings(max_examples=40, deadline=None)
@given(
    arrays(
        np.int64, st.tuples(st.integers(30, 60), st.integers(1, 4)), elements=st.integers(0, 40)
    ),
    # None at which the integers span 224 to 255, for those would stay as they are.
    st.sampled_from([1.0, 0.5, 0.1, 1 / 3, 70.0, 1000.0]),
)
def test_a_table_times_a_constant_gets_the_same_levels(
    numbers: np.ndarray[Any, Any], constant: float
) -> None:
    as_integers = choose(numbers).apply(numbers).astype(int)
    scaled = numbers * constant
    assert np.abs(choose(scaled).apply(scaled) - as_integers).max() <= 1


def test_one_outlier_costs_the_rest_no_resolution() -> None:
    numbers = np.append(np.linspace(0, 1, 999), 1e6)[:, None]
    assert len(np.unique(calibrate(numbers).apply(numbers))) >= 250


def test_identity_and_minus_128_saturate_integers_only() -> None:
    assert Quantisation("identity").apply(np.array([[-200, 5, 200]])).tolist() == [[-128, 5, 127]]
    with pytest.raises(
        UsageError, match=r"x\.csv: row 0, column 1: 0\.5 is not an integer.*use 'per-feature'"
    ):
        Quantisation("identity").apply(np.array([[1, 0.5]]), "x.csv")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_none_are_refused(value: float) -> None:
    numbers = np.array([[0.0, 1.0], [2.0, value]])
    for function in (calibrate, choose, as_int8, Quantisation("identity").apply):
        with pytest.raises(UsageError, match=r"row 1, column 1: -?(nan|inf) is not a finite"):
            function(numbers)


@pytest.mark.parametrize("value", [128, -129, 0.25])
def test_what_claims_to_be_int8_is_checked(value: float) -> None:
    with pytest.raises(
        UsageError, match=r"row 0, column 0: .* is not an integer in -128\.\.127.*quantise='auto'"
    ):
        as_int8(np.array([[value]]))


def test_impossible_input_is_refused() -> None:
    with pytest.raises(UsageError, match=r"too large; scale the feature.* below 2\*\*80"):
        calibrate(np.array([[1e30]]))
    with pytest.raises(UsageError, match="no samples to calibrate"):
        calibrate(np.zeros((0, 2)))
    with pytest.raises(UsageError, match=r"must be numbers of shape \(samples, features\), not <U"):
        calibrate(np.array([["a"]]))
    with pytest.raises(UsageError, match="3 features, but the quantisation was made for 2"):
        calibrate(np.zeros((2, 2))).apply(np.zeros((2, 3)))


@pytest.mark.parametrize("kind", ["identity", "minus-128", "affine"])
def test_saved_and_read_back(tmp_path: Path, kind: str) -> None:
    saved = calibrate(np.array([[0.1, 7], [3, 9]])) if kind == "affine" else Quantisation(kind)  # type: ignore[arg-type]
    saved.save(tmp_path / "map.json")
    assert load_quantisation(tmp_path / "map.json") == saved


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "other"}, "is no quantisation file; its 'format' must be"),
        ({"version": 3}, "version 3 of the format is unknown; this release reads versions 1 and 2"),
        ({"class_names": [1]}, "class_names must be a list of names, each in quotation marks"),
        ({"feature_names": "a"}, "feature_names must be a list of names"),
        ({"kind": "cubic"}, "kind: 'cubic' is unknown; it is one of identity, minus-128, affine"),
        ({"shift": [40]}, r"shift: 40 is not an integer in 0\.\.31"),
        ({"multiplier": [1.5]}, r"multiplier: 1\.5 is not an integer in 0\.\.32767"),
        ({"bias": [1, 2]}, "bias: 2 constants; an affine map has one per feature"),
        ({"bias": "x"}, "bias must be a list of integers"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    path = tmp_path / "map.json"
    calibrate(np.array([[0.5], [1.0]])).save(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(UsageError, match=message) as caught:
        load_quantisation(path)
    assert str(path) in str(caught.value)


def test_a_missing_or_garbled_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.json: cannot be read .*name a file"):
        load_quantisation(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(UsageError, match=r"bad\.json: is not JSON"):
        load_quantisation(tmp_path / "bad.json")


def test_the_widest_types_are_refused_or_read_without_a_warning() -> None:
    with pytest.raises(UsageError, match="is not a finite number"):
        calibrate(np.array([[np.longdouble("1e400")], [0]]))
    least = np.iinfo(np.int64).min
    assert choose(np.array([[least], [0]])).apply(np.array([[least], [0]])).tolist() == [
        [-128],
        [127],
    ]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 3000), st.integers(1, 3), st.sampled_from([2, 50, 10**9]), st.integers(0, 99))
def test_order_statistics_are_those_of_sorted_values(
    samples: int, features: int, different: int, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    columns = generator.integers(-different, different, (samples, features))
    columns[generator.random(samples) < 0.3] = 0
    for beyond in {0, samples // 200, samples // 20}:
        ordered = np.sort(columns, axis=0)
        low, high = _ordered(columns, beyond)
        assert low.tolist() == ordered[beyond].tolist()
        assert high.tolist() == ordered[samples - 1 - beyond].tolist()
