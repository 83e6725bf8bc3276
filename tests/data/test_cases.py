"""Small files such as people have, each with its right answer: learnt, read, or refused by name.

The files are in ``cases``. All values are synthetic; persons and places are invented.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tifed import Experiment, UsageError, load_experiment, run
from tifed.data import Dataset, load
from tifed.experiment.build import partition_of

CASES = Path(__file__).parent / "cases"

COUNTER = "pandas-index-is-a-feature.csv"
STAMP = "timestamp-is-a-feature.csv"


def accuracy(name: str, rounds: int = 60, seeds: int = 3, **data: Any) -> float:
    """Test accuracy of four devices with the default settings, mean over seeds."""
    scores = [
        run(
            Experiment(
                dataset=str(CASES / name),
                devices=4,
                rounds=rounds,
                seed=seed,
                data=data,
                evaluate_every=rounds,
            )
        ).accuracy
        for seed in range(1, seeds + 1)
    ]
    return float(np.mean(scores))


def per_class(dataset: Dataset) -> list[int]:
    """Samples of each class, both splits together."""
    labels = np.concatenate([dataset.train.labels, dataset.test.labels])
    return [int(count) for count in np.bincount(labels)]


@pytest.mark.parametrize(
    ("name", "at_least"),
    [
        ("features-are-0-or-1.csv", 0.92),
        ("flags-beside-ages.csv", 0.96),
        ("digits-pixels-0-to-16.npz", 0.95),
    ],
)
def test_numbers_that_use_little_of_int8_are_learnt_as_others_are(
    name: str, at_least: float
) -> None:
    assert accuracy(name) >= at_least


def test_pixels_of_0_to_16_are_the_same_whatever_their_type(tmp_path: Path) -> None:
    name = "digits-pixels-0-to-16.npz"
    with np.load(CASES / name) as file:
        np.savez(tmp_path / name, features=file["features"] * 1.0, labels=file["labels"])
    assert load(tmp_path / name).digest == load(CASES / name).digest


@pytest.mark.parametrize(("name", "column"), [(COUNTER, ""), (STAMP, "timestamp")])
def test_noise_is_noise_once_the_column_that_tells_the_row_is_left_out(
    name: str, column: str
) -> None:
    assert accuracy(name, 30, ignore_columns=[column]) == pytest.approx(0.25, abs=0.1)


def test_a_column_that_tells_the_row_is_refused_or_said_to_be_doubtful() -> None:
    with pytest.raises(UsageError, match=r"column 1 has no name.*data\.ignore_columns = \[''\]"):
        load(CASES / COUNTER)
    doubtful = run(Experiment(dataset=str(CASES / STAMP), devices=4, rounds=1))
    (warning,) = (said for said in doubtful.warnings if "rises from row to row" in said)
    assert "data.ignore_columns = ['timestamp']" in warning


def test_persons_that_are_named_by_digits_stay_four_persons() -> None:
    settings: Mapping[str, Any] = {
        "dataset": str(CASES / "person-ids-1_10-and-11_0.csv"),
        "devices": 4,
        "partition.kind": "group",
        "data.group_column": "person",
    }
    experiment = load_experiment(overrides=settings)
    dataset = load(experiment.dataset, **experiment.data)
    assert partition_of(experiment, dataset).sizes.tolist() == [48] * 4
    assert len(dataset.group_names) == 4


def test_a_number_with_an_underscore_is_none() -> None:
    with pytest.raises(UsageError, match=r"line 9, column 'aX': '1_000' is not a number"):
        load(CASES / "value-1_000-is-read-as-1000.csv")


def test_a_class_of_one_sample_is_learnt_from_and_named() -> None:
    dataset = load(CASES / "single-sample-class-goes-to-test.csv")
    assert dataset.class_names.index("fall") in dataset.train.labels
    assert any("class 'fall' has a single training sample" in said for said in dataset.warnings)


def test_a_saved_map_is_not_applied_to_columns_in_another_order(tmp_path: Path) -> None:
    first, turned = CASES / "sensors.csv", CASES / "sensors-columns-in-another-order.csv"
    # A map of an older release, without names.
    assert load(first, quantise=CASES / "sensors-map.json").features == 3
    with pytest.raises(UsageError, match="more than half of the training values lie outside"):
        load(turned, quantise=CASES / "sensors-map.json")
    # One with names.
    original = load(first)
    assert original.quantisation is not None
    original.quantisation.save(tmp_path / "map.json")
    assert load(turned, quantise=tmp_path / "map.json").digest == original.digest


def test_a_saved_map_keeps_the_numbers_of_classes(tmp_path: Path) -> None:
    first = load(CASES / "sensors.csv")
    assert first.quantisation is not None
    first.quantisation.save(tmp_path / "map.json")
    lines = (CASES / "sensors.csv").read_text().splitlines()
    without_dry = [line for line in lines if not line.endswith(",dry")]
    (tmp_path / "later.csv").write_text("\n".join(without_dry) + "\n")
    later = load(tmp_path / "later.csv", quantise=tmp_path / "map.json")
    assert later.class_names == first.class_names == ("dry", "mild", "wet")
    assert set(later.train.labels.tolist()) == {1, 2}
    (tmp_path / "later.csv").write_text("\n".join(lines).replace(",wet", ",snow") + "\n")
    with pytest.raises(UsageError, match="snow"):
        load(tmp_path / "later.csv", quantise=tmp_path / "map.json")


def test_a_data_set_is_looked_for_beside_the_file_that_names_it(tmp_path: Path) -> None:
    shutil.copy(CASES / "dataset-path-beside-the-toml.toml", tmp_path / "e.toml")
    shutil.copy(CASES / "labels-1-to-3.csv", tmp_path / "mine.csv")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    experiment = load_experiment(tmp_path / "e.toml")
    assert experiment.dataset == str(tmp_path / "mine.csv")
    assert run(experiment).rounds == 6


@pytest.mark.parametrize(
    ("name", "options", "classes", "features", "counts"),
    [
        ("leaf-femnist-shape.json", {}, None, 6, 120),
        ("ucr-label-first-no-header.txt", {}, ("1", "2", "3"), 6, 120),
        ("no-header.csv", {"header": False}, ("flex", "punch", "wave"), 6, 120),
        ("trailing-comma.csv", {"ignore_columns": [""]}, ("flex", "punch", "wave"), 6, 120),
        ("keras-names-and-3d-images.npz", {}, ("0", "1", "2"), 64, 80),
        ("labels-one-hot.npz", {}, ("0", "1", "2"), 6, 120),
        ("labels-as-column.npz", {}, ("0", "1", "2"), 6, 120),
        ("labels-1-to-3.csv", {}, ("1", "2", "3"), 6, 120),
        (
            "german-semicolon-decimal-comma.csv",
            {"decimal": ","},
            ("flex", "punch", "wave"),
            6,
            120,
        ),
    ],
)
def test_formats_that_people_have_are_read(
    name: str,
    options: dict[str, Any],
    classes: tuple[str, ...] | None,
    features: int,
    counts: int,
) -> None:
    dataset = load(CASES / name, **options)
    assert classes is None or dataset.class_names == classes
    assert (dataset.features, dataset.classes, sum(per_class(dataset))) == (features, 3, counts)


def test_the_users_of_leaf_are_groups() -> None:
    dataset = load(CASES / "leaf-femnist-shape.json")
    assert dataset.group_names == ("f0001_41", "f0002_03")
    assert dataset.train.groups is not None
    assert dataset.test.groups is not None
    both = np.concatenate([dataset.train.groups, dataset.test.groups])
    assert np.bincount(both).tolist() == [60, 60]


def test_text_with_semicolons_at_the_ends_of_lines_is_read() -> None:
    dataset = load(
        CASES / "wisdm-trailing-semicolon.txt",
        header=False,
        label_column="c1",
        group_column="c0",
        ignore_columns=["c2"],
    )
    assert (dataset.features, sum(per_class(dataset))) == (3, 120)
    assert dataset.feature_names == ("c3", "c4", "c5")


def test_labels_of_letters_count_from_1(tmp_path: Path) -> None:
    name = "emnist-letters-{}-idx{}-ubyte.gz"
    shutil.copy(CASES / name.format("labels-1-to-26", 1), tmp_path / name.format("labels", 1))
    header = np.array([0x803, 200, 2, 2], ">u4").tobytes()
    pictures = np.random.default_rng(1).integers(0, 256, 200 * 4, np.uint8).tobytes()
    (tmp_path / name.format("images", 3)).write_bytes(header + pictures)
    dataset = load(tmp_path / name.format("images", 3))
    assert dataset.classes == 26
    assert dataset.class_names[0] == "1"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no-header.csv", r"data\.header"),
        ("trailing-comma.csv", "no name"),
        ("german-semicolon-decimal-comma.csv", r"data\.decimal"),
        ("wisdm-trailing-semicolon.txt", r"data\.label_column"),
    ],
)
def test_what_needs_a_word_from_the_user_says_which(name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load(CASES / name)


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "gbk"])
def test_class_names_that_a_terminal_cannot_show_are_replaced(encoding: str) -> None:
    code = "from tifed.cli import main; main()"
    path = CASES / "class-names-unicode-and-html.csv"
    done = subprocess.run(
        [sys.executable, "-c", code, "partition", "--set", f"dataset={path}"],
        capture_output=True,
        check=False,
        env=os.environ | {"PYTHONIOENCODING": encoding},
    )
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False), done.stderr
    assert b"<script>" in done.stdout
