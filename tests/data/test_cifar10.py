"""CIFAR-10 in both official layouts, on small files of the same format."""

import hashlib
import os
import pickle
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tifed.data import load
from tifed.data.builtin.cifar10 import (
    BINARY,
    TEST_BATCH,
    TRAIN_BATCHES,
    Cifar10Archive,
    load_cifar10,
)
from tifed.errors import UsageError

NAMES = (*TRAIN_BATCHES, TEST_BATCH)
ROWS = 4


def batch(number: int) -> tuple[NDArray[np.uint8], list[int]]:
    pixels = (np.arange(ROWS * 3072) * 31 + number * 7) % 256
    return pixels.astype(np.uint8).reshape(ROWS, 3072), [(number + row) % 10 for row in range(ROWS)]


def python2(value: Any) -> bytes:
    """A pickle as Python 2 wrote it: protocol 2, byte strings, NumPy's names of that time."""
    return pickle.PROTO + b"\x02" + _opcodes(value) + pickle.STOP


def _opcodes(value: Any) -> bytes:
    if value is None:
        return pickle.NONE
    if isinstance(value, int):
        return pickle.BININT + value.to_bytes(4, "little", signed=True)
    if isinstance(value, bytes):
        return pickle.BINSTRING + len(value).to_bytes(4, "little") + value
    if isinstance(value, dict):
        pairs = b"".join(_opcodes(key) + _opcodes(item) for key, item in value.items())
        return pickle.EMPTY_DICT + pickle.MARK + pairs + pickle.SETITEMS
    if isinstance(value, list):
        return pickle.EMPTY_LIST + pickle.MARK + b"".join(map(_opcodes, value)) + pickle.APPENDS
    if isinstance(value, tuple):
        return pickle.MARK + b"".join(map(_opcodes, value)) + pickle.TUPLE
    array: NDArray[Any] = value
    made = b"cnumpy.core.multiarray\n_reconstruct\n" + pickle.MARK + b"cnumpy\nndarray\n"
    made += _opcodes((0,)) + _opcodes(b"b") + pickle.TUPLE + pickle.REDUCE
    kind = b"cnumpy\ndtype\n" + _opcodes((array.dtype.str[1:].encode(), 0, 1)) + pickle.REDUCE
    order = array.dtype.str[:1].encode()
    kind += _opcodes((3, order, None, None, None, -1, -1, 0)) + pickle.BUILD
    state = pickle.MARK + _opcodes(1) + _opcodes(array.shape) + kind + _opcodes(0)
    return made + state + _opcodes(array.tobytes()) + pickle.TUPLE + pickle.BUILD


def write_python(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for number, name in enumerate(NAMES):
        pixels, labels = batch(number)
        content = {b"data": pixels, b"labels": labels, b"filenames": [b"x.png"] * ROWS}
        (folder / name).write_bytes(python2(content))
    return folder


def write_binary(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for number, name in enumerate(NAMES):
        pixels, labels = batch(number)
        records = np.hstack([np.array(labels, np.uint8)[:, None], pixels])
        (folder / f"{name}.bin").write_bytes(records.tobytes())
    return folder


def test_both_layouts_give_the_same_data(tmp_path: Path) -> None:
    write_python(tmp_path / "py" / "cifar-10-batches-py")
    write_binary(tmp_path / "bin" / "cifar-10-batches-bin")
    found = [load("cifar-10", data_dir=tmp_path / name) for name in ("py", "bin")]
    inside = load("cifar-10", data_dir=tmp_path / "py" / "cifar-10-batches-py")
    assert len({dataset.digest for dataset in (*found, inside)}) == 1
    dataset = found[0]
    assert (len(dataset.train), len(dataset.test)) == (20, 4)
    assert (dataset.features, dataset.image_shape) == (3072, (32, 32, 3))
    assert dataset.train.labels[:5].tolist() == [0, 1, 2, 3, 1]
    assert dataset.class_names[9] == "truck"
    # Height, width, channels: pixel 33 is the second of the second row.
    planes = batch(0)[0][0].astype(int) - 128
    expected = [planes[33], planes[1024 + 33], planes[2048 + 33]]
    assert dataset.train.features[0, 3 * 33 : 3 * 34].tolist() == expected
    some = load("cifar-10", data_dir=tmp_path / "bin", only_classes=[6, 5])
    assert some.class_names == ("frog", "dog")
    assert (len(some.train), set(some.train.labels.tolist())) == (5, {0, 1})


class _Trap:
    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return os.mkdir, (TRAP,)


TRAP = "cifar-trap"


def test_a_pickle_that_calls_something_is_refused_and_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = write_python(tmp_path / "cifar-10-batches-py")
    trapped = folder / "data_batch_3"
    trapped.write_bytes(pickle.dumps({b"data": _Trap(), b"labels": []}))
    with pytest.raises(UsageError, match=r"data_batch_3: is no batch .*it names posix\.mkdir"):
        load("cifar-10", data_dir=tmp_path)
    assert not (tmp_path / TRAP).exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no batch of CIFAR-10"),
        (python2({b"data": batch(1)[0]})[:-100], "is no batch of CIFAR-10"),
        (python2([1, 2]), "it must hold `data`"),
        (python2({b"data": batch(1)[0]}), "it must hold `data`"),
        (python2({b"data": batch(1)[0][0], b"labels": [1] * 3072}), "it must hold `data`"),
        (python2({b"data": batch(1)[0].astype(np.int16), b"labels": [1] * ROWS}), "it must hold"),
        (python2({b"data": batch(1)[0], b"labels": [1, 2, 3]}), "it must hold `data`"),
        (python2({b"data": batch(1)[0], b"labels": [1, 2, 3, 10]}), "record 3: label 10 is not"),
    ],
)
def test_damaged_and_foreign_pickles_are_refused(
    tmp_path: Path, content: bytes, message: str
) -> None:
    folder = write_python(tmp_path / "cifar-10-batches-py")
    (folder / "data_batch_2").write_bytes(content)
    with pytest.raises(UsageError, match=f"data_batch_2: .*{message}"):
        load("cifar-10", data_dir=tmp_path)


def test_damaged_binary_files_are_refused(tmp_path: Path) -> None:
    folder = write_binary(tmp_path / "cifar-10-batches-bin")
    path = folder / "test_batch.bin"
    whole = path.read_bytes()
    for content in (whole[:-1], b""):
        path.write_bytes(content)
        with pytest.raises(UsageError, match=r"test_batch\.bin: .*not whole records of 3073"):
            load("cifar-10", data_dir=tmp_path)
    path.write_bytes(whole[: 2 * 3073] + b"\x0a" + whole[2 * 3073 + 1 :])
    with pytest.raises(UsageError, match=r"test_batch\.bin: record 2: label 10 is not in 0\.\.9"):
        load("cifar-10", data_dir=tmp_path)
    path.unlink()
    with pytest.raises(UsageError, match=r"lacks test_batch\.bin"):
        load("cifar-10", data_dir=tmp_path)


def test_missing_data_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load("cifar-10", data_dir=tmp_path, cache_dir=tmp_path / "cache", download=False)
    for part in ("cifar-10: not found", "--data-dir", "data_batch_1.bin", "cs.toronto.edu"):
        assert part in str(caught.value)


def test_the_archive_is_fetched_checked_and_unpacked(
    tmp_path: Path, site: tuple[Path, str]
) -> None:
    served, address = site
    folder = write_binary(tmp_path / "made" / "cifar-10-batches-bin")
    (folder / "readme.html").write_text("not wanted")
    with tarfile.open(served / "c.tar.gz", "w:gz") as archive:
        archive.add(folder, "../../cifar-10-batches-bin")
    source, cache = replace(BINARY, address=f"{address}c.tar.gz"), tmp_path / "cache"
    with pytest.raises(UsageError, match="gave other content than the data set's"):
        load_cifar10(None, cache, source=source)
    assert not list((cache / "cifar-10").iterdir())
    sha256 = hashlib.sha256((served / "c.tar.gz").read_bytes()).hexdigest()
    source = replace(source, fetch=Cifar10Archive(sha256))
    first = load_cifar10(None, cache, source=source)
    assert sorted(path.name for path in (cache / "cifar-10").iterdir()) == sorted(BINARY.files)
    (served / "c.tar.gz").unlink()
    assert load_cifar10(None, cache, source=source, download=False).digest == first.digest
