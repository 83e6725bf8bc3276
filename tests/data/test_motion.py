"""A table of readings becomes features of the motion front end, as a device would make them."""

import importlib.util
import io
import pickle
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tifed import Experiment
from tifed.data import load
from tifed.data.builtin import watches
from tifed.data.readings import as_readings, scales
from tifed.data.table import Table
from tifed.errors import UsageError
from tifed.experiment.setup import build, load_data
from tifed.rule.signal.motion import MotionFrontEnd

needs_watches = pytest.mark.skipif(
    importlib.util.find_spec("seglearn") is None, reason="pip install seglearn==1.2.5"
)
HEADER = "ax,ay,az,label,who,wrist\n"


def recordings(folder: Path, name: str = "gestures.csv") -> Path:
    """Two gestures of two people, on both wrists: a left one's ax is a right one's in a mirror."""
    rng = np.random.default_rng(3)
    lines = []
    for label, size in (("shake", 2.0), ("rest", 0.01)):
        for who in ("ann", "bob"):
            moves = np.round(rng.normal(0, size, (80, 3)), 3)
            for wrist, sign in (("left", -1), ("right", 1)):
                lines += [
                    f"{sign * x},{y},{z},{label},{who},{wrist}\n" for x, y, z in moves.tolist()
                ]
    path = folder / name
    path.write_text(HEADER + "".join(lines))
    return path


OPTIONS: dict[str, Any] = {
    "group_column": "who", "side_column": "wrist", "window": 32, "hop": 16, "scale": 4096,
    "mirror_side": "left", "mirror_axes": ["ax"],
}  # fmt: skip


def test_features_are_those_of_the_readings(tmp_path: Path) -> None:
    path = recordings(tmp_path)
    dataset = load(path, signal="motion", held_out_groups="bob", **OPTIONS)
    assert dataset.signal == MotionFrontEnd(3, 32, (0,), ("ax", "ay", "az"), (4096.0,) * 3, hop=16)
    assert dataset.feature_names == dataset.signal.feature_names
    assert dataset.quantisation is None
    rows = [line.split(",") for line in path.read_text().splitlines()[1:]]
    numbers = np.array([row[:3] for row in rows], float)
    first = np.rint(numbers[:32] * 4096).astype(np.int16)  # shake, ann, left
    expected = dataset.signal.compute(dataset.signal.mirror(first))
    np.testing.assert_array_equal(dataset.train.features[0], expected)
    # Four runs of 80 rows of each person: windows at 0, 16, 32, 48; both wrists look alike.
    assert (len(dataset.train), len(dataset.test)) == (16, 16)
    np.testing.assert_array_equal(dataset.train.features[0:4], dataset.train.features[4:8])
    without = {name: value for name, value in OPTIONS.items() if not name.startswith("mirror")}
    worn = load(path, signal="motion", held_out_groups="bob", ignore_columns=["wrist"], **{
        name: value for name, value in without.items() if name != "side_column"
    })  # fmt: skip
    assert worn.signal is not None
    assert worn.signal.digest != dataset.signal.digest


def test_a_test_file_goes_the_same_way(tmp_path: Path) -> None:
    path, other = recordings(tmp_path), recordings(tmp_path, "later.csv")
    dataset = load(path, signal="motion", test_file=other, **OPTIONS)
    np.testing.assert_array_equal(dataset.train.features, dataset.test.features)


def test_an_experiment_trains_on_them(tmp_path: Path) -> None:
    experiment = Experiment(
        dataset=str(recordings(tmp_path)), front_end="motion",
        data={**OPTIONS, "held_out_groups": ["bob"]}, devices=1, rounds=2,
    )  # fmt: skip
    setup = build(experiment)
    assert setup.dataset is not None
    assert setup.network.shape[0] == setup.dataset.features == 9 * 4 + 3 * 3
    assert setup.inputs.sent is setup.inputs.streams
    plain = {"window": 32, "ignore_columns": ["who", "wrist"]}
    assert load_data(Experiment(dataset=experiment.dataset, data=plain)).signal is None
    with pytest.raises(UsageError, match="front_end: 'octants' does not take the samples"):
        load_data(Experiment(dataset=experiment.dataset, data=plain, front_end="octants"))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"window": None, "hop": None}, "front_end: 'motion' does not take .* data.window"),
        ({"window": 8}, r"data.window: 8 is not in 16..256"),
        ({"scale": None}, "data.scale: .* not whole"),
        ({"scale": [4096, 4096]}, "data.scale: 2 factors for 3 columns"),
        ({"scale": {"ax": 1, "ay": 1, "wz": 1}}, "data.scale: .* no column of readings 'wz'"),
        ({"scale": {"ax": 1, "ay": 1}}, "data.scale: has no factor for column 'az'"),
        ({"scale": -1}, "data.scale: -1 is not a number above 0"),
        ({"mirror_axes": ["wx"]}, "data.mirror_axes: .* no column of readings 'wx'"),
        ({"mirror_side": "up"}, "data.mirror_side: .* no 'up' .* left, right"),
        ({"mirror_side": None}, "data.mirror_side: is missing"),
        ({"quantise": "shared"}, "data.quantise: .* int8 already"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    given = {name: it for name, it in {**OPTIONS, **changed}.items() if it is not None}
    with pytest.raises(UsageError, match=message):
        load(recordings(tmp_path), signal="motion", **given)


def test_options_of_readings_go_with_a_front_end(tmp_path: Path) -> None:
    path = recordings(tmp_path)
    with pytest.raises(UsageError, match=r"data.scale: .* set front_end = 'motion'"):
        load(path, scale=4096, window=32, ignore_columns=["who", "wrist"])
    with pytest.raises(UsageError, match="front_end: 'log-mel' does not take"):
        load(path, signal="log-mel", **OPTIONS)


def test_numbers_are_rounded_half_to_even_and_saturate() -> None:
    table = Table(
        np.array([[0.5, 1.5], [-2.5, 9.0], [-0.4, -40000.0]]), np.zeros(3), None, ("a", "b")
    )
    readings, warnings = as_readings(table, scales(table, 1.0, Path("x")), None, Path("x"))
    assert readings.features.tolist() == [[0, 2], [-2, 9], [0, -32768]]
    assert readings.features.dtype == np.int16
    assert len(warnings) == 1
    assert "1 of 3 readings of column b are beyond 16 bits" in warnings[0]
    table.features[1, 0] = np.nan
    with pytest.raises(UsageError, match="readings are missing"):
        as_readings(table, (1.0, 1.0), None, Path("x"))


@needs_watches
def test_watches_are_ten_people_and_seven_exercises() -> None:
    dataset = load("watches", signal="motion", held_out_groups=["9", "10"])
    assert (dataset.features, dataset.classes, len(dataset.group_names)) == (117, 7, 10)
    assert (len(dataset.train), len(dataset.test)) == (3614, 981)
    assert dataset.warnings == ()
    assert isinstance(dataset.signal, MotionFrontEnd)
    assert dataset.signal.mirrored == (0, 4, 5)
    raw = load("watches", window=32, hop=64)
    assert (raw.features, raw.signal) == (192, None)
    with pytest.raises(UsageError, match="front_end: 'log-mel' does not take .* 'motion' does"):
        load("watches", signal="log-mel")


def test_watches_without_their_package_name_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(watches, "distribution", missing)
    with pytest.raises(UsageError, match=r"pip install 'tifed\[watches\]'"):
        load("watches")


class _Calls:
    def __reduce__(self) -> tuple[Any, tuple[str, ...]]:
        return print, ("a pickle ran",)


def test_a_pickle_that_calls_something_is_refused() -> None:
    stream = io.BytesIO()
    header = {"descr": "|O", "fortran_order": False, "shape": ()}
    np.lib.format.write_array_header_1_0(stream, header)
    pickle.dump(_Calls(), stream)
    with pytest.raises(pickle.UnpicklingError, match=r"it names builtins\.print"):
        watches.unpickled(stream.getvalue())
