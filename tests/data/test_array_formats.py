"""NPZ as Keras writes it, own IDX pairs, LEAF's JSON, folders of recordings, Parquet."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tifed.data import load
from tifed.errors import UsageError
from tifed.rule.signal.log_mel import LogMel

CASES = Path(__file__).parent / "cases"
IdxBytes = Callable[[NDArray[np.uint8]], bytes]


def test_keras_names_and_pictures() -> None:
    dataset = load(CASES / "keras-names-and-3d-images.npz")
    assert (len(dataset.train), len(dataset.test)) == (60, 20)
    assert (dataset.features, dataset.classes, dataset.image_shape) == (64, 3, (8, 8, 1))


@pytest.mark.parametrize("name", ["labels-one-hot.npz", "labels-as-column.npz"])
def test_labels_in_two_dimensions(name: str) -> None:
    dataset = load(CASES / name)
    labels = np.concatenate([dataset.train.labels, dataset.test.labels])
    assert np.bincount(labels).tolist() == [40] * 3
    assert dataset.digest == load(CASES / "labels-one-hot.npz").digest


def test_channels_first_become_last(tmp_path: Path) -> None:
    pictures = np.arange(4 * 3 * 5 * 6).reshape(4, 3, 5, 6) % 100
    labels = np.array([0, 1, 0, 1])
    np.savez(tmp_path / "a.npz", X=pictures, y=labels)
    np.savez(tmp_path / "b.npz", features=pictures.transpose(0, 2, 3, 1), labels=labels)
    np.savez(tmp_path / "c.npz", features=np.zeros((4, 5, 6, 7)), labels=labels)
    first, second = (load(tmp_path / name, quantise="none") for name in ("a.npz", "b.npz"))
    assert first.image_shape == (5, 6, 3)
    assert first.digest == second.digest
    with pytest.raises(UsageError, match=r"shape \(4, 5, 6, 7\) is not \(samples, height, width"):
        load(tmp_path / "c.npz")


def write_letters(folder: Path, idx_bytes: IdxBytes, *, test: bool) -> Path:
    labels = gzip.decompress(
        (CASES / "emnist-letters-labels-1-to-26-idx1-ubyte.gz").read_bytes()
    )  # fmt: skip
    answers = np.frombuffer(labels, np.uint8, offset=8)
    pixels = (np.arange(len(answers) * 6) % 256).astype(np.uint8).reshape(-1, 2, 3)
    for word in ("train", "test") if test else ("train",):
        stem = f"emnist-letters-{word}"
        (folder / f"{stem}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx_bytes(pixels)))
        (folder / f"{stem}-labels-idx1-ubyte").write_bytes(labels)
    return folder / "emnist-letters-train-images-idx3-ubyte.gz"


def test_emnist_has_26_letters(tmp_path: Path, idx_bytes: IdxBytes) -> None:
    path = write_letters(tmp_path, idx_bytes, test=False)
    dataset = load(path)
    assert dataset.class_names == tuple(map(str, range(1, 27)))
    assert (len(dataset.train), len(dataset.test), dataset.image_shape) == (160, 40, (2, 3, 1))
    write_letters(tmp_path, idx_bytes, test=True)
    both = load(path)
    assert (len(both.train), len(both.test)) == (200, 200)
    named = load(path, labels_file=tmp_path / "emnist-letters-train-labels-idx1-ubyte")
    assert named.digest == dataset.digest


def test_an_idx_file_without_labels_is_refused(tmp_path: Path, idx_bytes: IdxBytes) -> None:
    path = write_letters(tmp_path, idx_bytes, test=False)
    (tmp_path / "emnist-letters-train-labels-idx1-ubyte").unlink()
    with pytest.raises(UsageError, match=r"named emnist-letters-train-labels-idx1-ubyte.gz, or"):
        load(path)


def test_leaf() -> None:
    dataset = load(CASES / "leaf-femnist-shape.json", test_fraction=10)
    assert (dataset.features, dataset.classes) == (6, 3)
    assert len(dataset.train) + len(dataset.test) == 120
    assert dataset.group_names == ("f0001_41", "f0002_03")
    train, test = dataset.train.groups, dataset.test.groups
    assert train is not None
    assert test is not None
    assert np.bincount(np.concatenate([train, test])).tolist() == [60, 60]
    held = load(CASES / "leaf-femnist-shape.json", held_out_groups="f0001_41")
    assert (len(held.train), len(held.test)) == (60, 60)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([1, 2], "has no object 'user_data'"),
        ({"user_data": {}}, "has no samples"),
        ({"user_data": {"a": [1]}}, "user 'a': must be an object with the lists 'x' and 'y'"),
        ({"user_data": {"a": {"x": [[1], [1, 2]], "y": [0, 1]}}}, "x: lists of different lengths"),
        ({"user_data": {"a": {"x": [[1], [2]], "y": [0]}}}, r"y: shape \(1,\) does not fit 2"),
        ({"user_data": {"a": {"x": ["to be"], "y": ["o"]}}}, r"x: must be numbers"),
        ({"user_data": {"a": {"x": [[None]], "y": [0]}}}, "x: must be numbers, not object"),
        (
            {"user_data": {"a": {"x": [[1]], "y": [0]}, "b": {"x": [[1, 2]], "y": [1]}}},
            r"user 'b', x: shape \(1, 2\); every sample of every user",
        ),
    ],
)
def test_a_wrong_leaf_file_is_refused(tmp_path: Path, document: Any, message: str) -> None:
    (tmp_path / "l.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        load(tmp_path / "l.json")


def write_words(folder: Path, rate: int, group: str = "") -> None:
    from scipy.io import wavfile

    for place, word in enumerate(("no", "yes")):
        where = folder / word / group
        where.mkdir(parents=True, exist_ok=True)
        for take in range(5):
            time = np.arange(int(rate * 0.3) + take) / rate
            tone: NDArray[Any] = 9000 * np.sin(2 * np.pi * (400 + 900 * place) * time)
            wavfile.write(where / f"{take}.wav", rate, tone.astype(np.int16))


@pytest.mark.slow(3)
def test_a_folder_of_recordings_by_class(tmp_path: Path) -> None:
    write_words(tmp_path / "words", 8000)
    dataset = load(tmp_path / "words")
    assert (dataset.class_names, dataset.features) == (("no", "yes"), 200)
    assert (len(dataset.train), len(dataset.test)) == (8, 2)
    assert dataset.image_shape == (10, 20, 1)
    assert dataset.signal == LogMel(frames=28)  # of the longest: 2404 samples
    write_words(tmp_path / "fast", 16000)
    (tmp_path / "fast" / "_background_noise_").mkdir()
    (tmp_path / "fast" / "_background_noise_" / "x.wav").write_bytes(b"noise")
    fast = load("fast", data_dir=tmp_path)
    slow = load(tmp_path / "words", signal="log-mel")
    assert slow.digest == dataset.digest
    # Two tones an octave apart stay in their bands when the rate is halved.
    loudest = [d.train.features.reshape(8, 10, 20).sum(axis=1).argmax(axis=1) for d in (fast, slow)]
    assert loudest[0].tolist() == loudest[1].tolist()
    assert len(set(loudest[0].tolist())) == 2


def test_recordings_need_no_map_and_take_no_other_front_end(tmp_path: Path) -> None:
    write_words(tmp_path / "words", 8000)
    with pytest.raises(UsageError, match=r"data\.quantise: .* 'log-mel' are int8 already"):
        load(tmp_path / "words", quantise="shared")
    with pytest.raises(UsageError, match="front_end: 'motion' does not take the samples of"):
        load(tmp_path / "words", signal="motion")
    (tmp_path / "t.csv").write_text("a,label\n1,x\n2,y\n")
    with pytest.raises(UsageError, match="front_end: 'log-mel' does not take the samples of"):
        load(tmp_path / "t.csv", signal="log-mel")


def test_a_recording_that_is_too_long_is_named(tmp_path: Path) -> None:
    from scipy.io import wavfile

    write_words(tmp_path / "words", 8000)
    wavfile.write(tmp_path / "words" / "no" / "9.wav", 8000, np.zeros(660_000, np.int16))
    with pytest.raises(UsageError, match=r"9\.wav: readings: 660000 samples; .* cut it into one"):
        load(tmp_path / "words")


def test_recordings_of_persons(tmp_path: Path) -> None:
    for person in ("ann", "bob"):
        write_words(tmp_path / "w", 8000, person)
    dataset = load(tmp_path / "w", held_out_groups=["bob"])
    assert dataset.group_names == ("ann", "bob")
    assert (len(dataset.train), len(dataset.test)) == (10, 10)
    write_words(tmp_path / "w", 8000)
    with pytest.raises(UsageError, match=r"0\.wav: recordings must lie in .*/CLASS, or all"):
        load(tmp_path / "w")


def test_folders_that_hold_no_recordings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has 0 recordings; a folder of samples has a sub-folder"):
        load(tmp_path)
    (tmp_path / "a").mkdir()
    for name in ("1.wav", "2.wav"):
        (tmp_path / "a" / name).write_bytes(b"RIFF")
    with pytest.raises(UsageError, match=r"1\.wav: is no readable WAV file"):
        load(tmp_path)


def test_parquet(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    columns = {
        "a": [1, 2, 3, 4], "b": [0.5, 1.5, None, 2.5], "who": ["1_0", "10", "1_0", "10"],
        "label": ["x", "y", "x", "y"],
    }  # fmt: skip
    parquet.write_table(arrow.table(columns), tmp_path / "t.parquet")
    with pytest.raises(UsageError, match=r"column 'b': row 2 has no value; .*data\.missing"):
        load(tmp_path / "t.parquet", group_column="who")
    with pytest.raises(UsageError, match=r"column 'who': holds string, not numbers; .*data\.group"):
        load(tmp_path / "t.parquet", missing=0)
    with pytest.raises(UsageError, match=r"data\.label_column: .*did you mean 'label'"):
        load(tmp_path / "t.parquet", label_column="lable")
    dataset = load(tmp_path / "t.parquet", group_column="who", missing=0, test_fraction=50)
    assert dataset.group_names == ("10", "1_0")
    assert (dataset.feature_names, dataset.class_names) == (("a", "b"), ("x", "y"))
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 rubbish")
    with pytest.raises(UsageError, match=r"bad\.parquet: .*(damaged|no Parquet)"):
        load(tmp_path / "bad.parquet")
    with pytest.raises(UsageError, match=r"none\.parquet: cannot be read"):
        load(tmp_path / "none.parquet")


def test_parquet_without_pyarrow_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(UsageError, match=r"pip install 'tifed\[tables\]'"):
        load(tmp_path / "t.parquet")
