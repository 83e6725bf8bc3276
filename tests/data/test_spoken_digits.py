"""Spoken digits: file names, splits, features, and the archive they come in."""

import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tifed.data import load
from tifed.data.builtin.spoken_digits import SPOKEN_DIGITS, SpokenDigitsArchive, manifest_of
from tifed.data.locate import locate
from tifed.errors import UsageError
from tifed.rule.signal.log_mel import LogMel

WriteRecordings = Callable[..., Path]


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory, write_recordings: WriteRecordings) -> Path:
    return write_recordings(tmp_path_factory.mktemp("speech") / "fsdd" / "recordings")


@pytest.mark.slow(6)
def test_every_layout_gives_the_same_data(recordings: Path) -> None:
    folders = (recordings, recordings.parent, recordings.parent.parent)
    loaded = [load("spoken-digits", data_dir=folder, download=False) for folder in folders]
    assert len({dataset.digest for dataset in loaded}) == 1
    dataset = loaded[0]
    assert (dataset.features, dataset.classes, dataset.group_names) == (200, 10, ("ann", "bob"))
    assert (len(dataset.train), len(dataset.test)) == (40, 100)
    assert dataset.test.labels.tolist() == np.repeat(np.arange(10), 10).tolist()
    assert dataset.train.groups is not None
    assert np.bincount(dataset.train.groups).tolist() == [20, 20]


@pytest.mark.slow
def test_a_speaker_can_be_held_out(recordings: Path) -> None:
    dataset = load("spoken-digits", data_dir=recordings, held_out_speaker="bob")
    assert dataset.test.groups is not None
    assert dataset.train.groups is not None
    assert set(dataset.test.groups.tolist()) == {1}
    assert set(dataset.train.groups.tolist()) == {0}
    assert (len(dataset.train), len(dataset.test)) == (70, 70)
    with pytest.raises(
        UsageError, match="held_out_speaker: 'bobby' is not one of ann, bob; did you mean 'bob'"
    ):
        load("spoken-digits", data_dir=recordings, held_out_speaker="bobby")


def test_some_speakers_alone(recordings: Path) -> None:
    alone = load("spoken-digits", data_dir=recordings, only_speakers=["ann"])
    assert (alone.group_names, len(alone.train), len(alone.test)) == (("ann",), 20, 50)
    both = load("spoken-digits", data_dir=recordings)
    assert both.train.groups is not None
    same = both.train.features[both.train.groups == 0]
    np.testing.assert_array_equal(alone.train.features, same)  # nothing is calibrated
    with pytest.raises(UsageError, match="only_speakers: 'anne' is not one of ann, bob; did you"):
        load("spoken-digits", data_dir=recordings, only_speakers=["anne"])


@pytest.mark.parametrize("rows", [None, 12])
def test_features_are_those_of_the_signal_front_end(recordings: Path, rows: int | None) -> None:
    from scipy.io import wavfile

    dataset = load("spoken-digits", data_dir=recordings, patch_frames=rows)
    assert dataset.signal == LogMel(rows, frames=28)  # of the longest: 1500 + 600 + 333 samples
    assert dataset.image_shape == (rows or 10, 20, 1)
    _, sound = wavfile.read(recordings / "0_ann_5.wav")
    wanted = LogMel(rows).compute(sound[:, np.newaxis])
    np.testing.assert_array_equal(dataset.train.features[0], wanted)


def test_the_front_end_may_be_named_but_no_other(recordings: Path) -> None:
    named = load("spoken-digits", data_dir=recordings, signal="log-mel")
    assert named.digest == load("spoken-digits", data_dir=recordings).digest
    with pytest.raises(UsageError, match="front_end: 'motion' does not take the samples of"):
        load("spoken-digits", data_dir=recordings, signal="motion")


@pytest.mark.parametrize("rows", [3, 129, "12", True])
def test_wrong_numbers_of_rows_are_refused(recordings: Path, rows: object) -> None:
    with pytest.raises(UsageError, match=r"patch_frames: .* not a whole number in 4\.\.128"):
        load("spoken-digits", data_dir=recordings, patch_frames=rows)


def test_misnamed_damaged_and_foreign_recordings_are_refused(
    tmp_path: Path, write_recordings: WriteRecordings
) -> None:
    from scipy.io import wavfile

    folder = write_recordings(tmp_path / "recordings", ("ann",), 6)
    (folder / "title.wav").write_bytes(b"x")
    with pytest.raises(UsageError, match=r"title\.wav: the name must be digit_speaker_index\.wav"):
        load("spoken-digits", data_dir=tmp_path)
    (folder / "title.wav").unlink()
    sound = folder / "3_ann_0.wav"
    content = sound.read_bytes()
    sound.write_bytes(b"RIFF")
    with pytest.raises(UsageError, match=r"3_ann_0\.wav: is no readable WAV file"):
        load("spoken-digits", data_dir=tmp_path)
    sound.write_bytes(content[:-100])
    with pytest.raises(UsageError, match=r"3_ann_0\.wav: is no readable WAV file"):
        load("spoken-digits", data_dir=tmp_path)
    wavfile.write(sound, 16000, np.zeros(100, np.int16))
    with pytest.raises(UsageError, match=r"3_ann_0\.wav: must be mono, 16 bits, 8000 .* at 16000"):
        load("spoken-digits", data_dir=tmp_path)


def test_a_split_without_samples_is_refused(
    tmp_path: Path, write_recordings: WriteRecordings
) -> None:
    write_recordings(tmp_path / "recordings", ("ann",), 2)
    with pytest.raises(UsageError, match="20 of 20 recordings are test recordings"):
        load("spoken-digits", data_dir=tmp_path)


def test_missing_recordings_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load("spoken-digits", data_dir=tmp_path, cache_dir=tmp_path, download=False)
    for part in ("spoken-digits: not found", "--data-dir", "recordings", "github.com/Jakobovski"):
        assert part in str(caught.value)


def test_the_archive_is_fetched_unpacked_and_checked(
    tmp_path: Path, recordings: Path, site: tuple[Path, str]
) -> None:
    folder, address = site
    with zipfile.ZipFile(folder / "v.zip", "w") as content:
        for path in recordings.iterdir():
            content.write(path, f"fsdd-1/recordings/{path.name}")
        content.writestr("fsdd-1/recordings/../../0_eve_0.wav", b"outside")
        content.writestr("fsdd-1/README.md", b"text")
    cache = tmp_path / "cache"
    foreign = replace(SPOKEN_DIGITS, address=f"{address}v.zip")
    with pytest.raises(UsageError, match=r"gave other recordings .*they were thrown away"):
        locate(foreign, None, cache)
    assert list((cache / "spoken-digits").iterdir()) == []
    good = replace(foreign, fetch=SpokenDigitsArchive(manifest_of(recordings)))
    found = locate(good, None, cache)
    assert manifest_of(found["recordings"]) == manifest_of(recordings)
    assert [path.name for path in (cache / "spoken-digits").iterdir()] == ["recordings"]
    (folder / "v.zip").write_bytes(b"no zip")
    with pytest.raises(UsageError, match=r"gave no usable zip archive"):
        locate(good, None, tmp_path / "other")


def test_the_real_recordings(public_data_dir: Path) -> None:
    dataset = load("spoken-digits", data_dir=public_data_dir, download=False)
    assert (len(dataset.train), len(dataset.test)) == (2700, 300)
    assert len(dataset.group_names) == 6
    assert dataset.digest.startswith("9f605b551634")
