"""MNIST and Fashion-MNIST: found, refused, downloaded and checked."""

import gzip
import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tifed.data import load
from tifed.data.builtin.mnist import (
    DIGIT_NAMES,
    FASHION_MNIST,
    MNIST,
    TEST_IMAGES,
    TEST_LABELS,
    TRAIN_IMAGES,
    TRAIN_LABELS,
    CheckedFiles,
    load_idx,
)
from tifed.data.locate import DataSource, cache_folder
from tifed.errors import UsageError

Files = dict[str, bytes]
WriteFiles = Callable[..., Path]

DEBIAN = Path("/usr/share/datasets/fashion-mnist")


def small_source(address: str, small_idx: Files) -> DataSource:
    checksums = {name: hashlib.sha256(c).hexdigest() for name, c in small_idx.items()}
    return replace(MNIST, address=address, fetch=CheckedFiles(checksums))


@pytest.mark.parametrize("layout", ["", "mnist", "MNIST/raw"])
@pytest.mark.parametrize("compress", [False, True])
def test_a_users_folder_in_any_layout(
    tmp_path: Path, layout: str, compress: bool, small_idx: Files, write_files: WriteFiles
) -> None:
    write_files(tmp_path / layout, small_idx, compress=compress)
    dataset = load("mnist", data_dir=tmp_path, cache_dir=tmp_path / "cache", download=False)
    assert (len(dataset.train), len(dataset.test), dataset.image_shape) == (20, 10, (2, 3, 1))
    assert dataset.train.features[0].tolist() == [-128, -91, -54, -17, 20, 57]
    assert dataset.test.labels.tolist() == list(range(10))
    assert dataset.class_names == DIGIT_NAMES


def test_missing_data_say_what_to_do(tmp_path: Path) -> None:
    source = replace(FASHION_MNIST, system=(tmp_path / "system",))
    with pytest.raises(UsageError) as caught:
        load_idx(source, DIGIT_NAMES, tmp_path, tmp_path / "cache", download=False)
    message = str(caught.value)
    assert "data set fashion-mnist: not found" in message
    assert "apt install dataset-fashion-mnist" in message
    assert "--data-dir" in message
    assert TRAIN_IMAGES in message
    assert "http://fashion-mnist.s3-website" in message
    assert str(tmp_path / "cache" / "fashion-mnist") in message


def test_an_incomplete_folder_and_a_wrong_one_are_refused(
    tmp_path: Path, small_idx: Files, write_files: WriteFiles
) -> None:
    files = small_idx
    del files[TEST_LABELS]
    write_files(tmp_path, files)
    with pytest.raises(UsageError, match=rf"has .* but lacks {TEST_LABELS}"):
        load("mnist", data_dir=tmp_path, download=False)
    with pytest.raises(UsageError, match=r"data_dir: .*nowhere is not a folder"):
        load("mnist", data_dir=tmp_path / "nowhere")


def test_labels_and_shapes_that_do_not_fit_are_refused(
    tmp_path: Path,
    small_idx: Files,
    write_files: WriteFiles,
    idx_bytes: Callable[[NDArray[np.uint8]], bytes],
) -> None:
    labels = idx_bytes(np.full(10, 11, np.uint8))
    write_files(tmp_path / "a", small_idx | {TEST_LABELS: labels})
    with pytest.raises(UsageError, match=rf"{TEST_LABELS}: label 11 is not in 0\.\.9"):
        load("mnist", data_dir=tmp_path / "a", download=False)
    images = idx_bytes(np.zeros((10, 3, 3), np.uint8))
    write_files(tmp_path / "b", small_idx | {TEST_IMAGES: images})
    with pytest.raises(UsageError, match=rf"{TEST_IMAGES}: images of \(3, 3\) pixels"):
        load("mnist", data_dir=tmp_path / "b", download=False)


def test_download_into_the_cache_once(
    tmp_path: Path, site: tuple[Path, str], small_idx: Files, write_files: WriteFiles
) -> None:
    folder, address = site
    write_files(folder, small_idx, compress=True)
    source, cache = small_source(address, small_idx), tmp_path / "cache"
    first = load_idx(source, DIGIT_NAMES, None, cache)
    assert sorted(path.name for path in (cache / "mnist").iterdir()) == sorted(
        f"{name}.gz" for name in source.files
    )
    for path in folder.iterdir():
        path.unlink()
    assert load_idx(source, DIGIT_NAMES, None, cache, download=False).digest == first.digest


def test_a_download_that_was_cut_short_goes_on(
    tmp_path: Path, site: tuple[Path, str], small_idx: Files, write_files: WriteFiles
) -> None:
    folder, address = site
    write_files(folder, small_idx, compress=True)
    missing = (folder / f"{TEST_LABELS}.gz").rename(tmp_path / "later")
    source, cache = small_source(address, small_idx), tmp_path / "cache"
    with pytest.raises(UsageError, match=rf"{TEST_LABELS}\.gz failed \(HTTPError\)"):
        load_idx(source, DIGIT_NAMES, None, cache)
    missing.rename(folder / f"{TEST_LABELS}.gz")
    (folder / f"{TRAIN_IMAGES}.gz").unlink()  # it is in the cache already
    assert len(load_idx(source, DIGIT_NAMES, None, cache).train) == 20


@pytest.mark.parametrize("served", [gzip.compress(b"other", mtime=0), b"\x1f\x8b<html>", b""])
def test_a_wrong_download_is_thrown_away(
    tmp_path: Path, site: tuple[Path, str], served: bytes, small_idx: Files, write_files: WriteFiles
) -> None:
    folder, address = site
    write_files(folder, small_idx, compress=True)
    (folder / f"{TRAIN_LABELS}.gz").write_bytes(served)
    with pytest.raises(UsageError) as caught:
        load_idx(small_source(address, small_idx), DIGIT_NAMES, None, tmp_path / "cache")
    assert f"{address}{TRAIN_LABELS}.gz" in str(caught.value)
    assert "other content" in str(caught.value) or "damaged gzip" in str(caught.value)
    assert [p.name for p in (tmp_path / "cache" / "mnist").iterdir()] == [f"{TRAIN_IMAGES}.gz"]


def test_no_network_and_no_writable_cache(tmp_path: Path, small_idx: Files) -> None:
    with pytest.raises(UsageError, match=r"127\.0\.0\.1:9/.* failed \(ConnectionError\)"):
        load_idx(small_source("http://127.0.0.1:9/", small_idx), DIGIT_NAMES, None, tmp_path)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UsageError, match=r"cannot be written .*TIFED_CACHE"):
        load_idx(
            small_source("http://127.0.0.1:9/", small_idx), DIGIT_NAMES, None, tmp_path / "file"
        )


def test_the_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIFED_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    assert cache_folder(tmp_path / "given") == tmp_path / "given"
    monkeypatch.delenv("TIFED_CACHE")
    assert "tifed" in str(cache_folder())


def test_the_real_mnist(public_data_dir: Path) -> None:
    dataset = load("mnist", data_dir=public_data_dir, download=False)
    assert (len(dataset.train), len(dataset.test), dataset.features) == (60_000, 10_000, 784)
    assert dataset.train.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert dataset.digest.startswith("8665c4b94640")


def test_the_real_fashion_mnist(tmp_path: Path) -> None:
    if not DEBIAN.is_dir():
        pytest.skip("Debian's package dataset-fashion-mnist is not installed")
    dataset = load("fashion-mnist", cache_dir=tmp_path, download=False)
    assert dataset.class_names[9] == "ankle boot"
    assert dataset.train.labels[0] == 9
    assert dataset.digest.startswith("17a036d33bc3")


def test_one_is_not_taken_for_the_other() -> None:
    if not DEBIAN.is_dir():
        pytest.skip("Debian's package dataset-fashion-mnist is not installed")
    with pytest.raises(UsageError, match="this is fashion-mnist, not mnist; put each into"):
        load("mnist", data_dir=DEBIAN, download=False)
