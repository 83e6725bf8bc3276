"""IDX files, whole and damaged."""

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tifed.data.builtin.idx import parse_idx, read_images, uncompressed
from tifed.errors import UsageError

IdxBytes = Callable[[NDArray[np.uint8]], bytes]

IMAGES = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


@pytest.mark.parametrize("compress", [False, True])
def test_images_and_labels_come_back(tmp_path: Path, idx_bytes: IdxBytes, compress: bool) -> None:
    images, labels = tmp_path / "images", tmp_path / "labels"
    for path, array in ((images, IMAGES), (labels, np.array([3, 9], np.uint8))):
        content = idx_bytes(array)
        path.write_bytes(gzip.compress(content) if compress else content)
    pictures, answers = read_images(images, labels)
    assert np.array_equal(pictures, IMAGES)
    assert answers.tolist() == [3, 9]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda _: b"", "f.idx: truncated: 0 bytes, but the header alone has 16"),
        (
            lambda whole: whole[:-1],
            r"f.idx: truncated: 23 bytes .* promises 24 .*\(2, 3, 4\); fetch",
        ),
        (lambda whole: whole + b"x", "f.idx: trailing bytes: 25 bytes follow the header"),
        (
            lambda whole: b"\0\0\x08\x01" + whole[4:],
            r"f.idx: wrong magic number 0x00000801; .*0x00000803",
        ),
        (
            lambda _: struct.pack(">4I", 0x803, *[2**32 - 1] * 3),
            r"f.idx: the header promises .* damaged",
        ),
    ],
)
def test_damaged_files_are_refused(
    idx_bytes: IdxBytes, damage: Callable[[bytes], bytes], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        parse_idx(damage(idx_bytes(IMAGES)), 3, "f.idx")


def test_counts_must_agree(tmp_path: Path, idx_bytes: IdxBytes) -> None:
    (tmp_path / "i").write_bytes(idx_bytes(IMAGES))
    (tmp_path / "l").write_bytes(idx_bytes(np.zeros(3, np.uint8)))
    with pytest.raises(UsageError, match=r"holds 3 labels, but .* holds 2 images"):
        read_images(tmp_path / "i", tmp_path / "l")


@pytest.mark.parametrize("damage", ["cut", "flip", "tail"])
def test_damaged_gzip_is_refused(tmp_path: Path, idx_bytes: IdxBytes, damage: str) -> None:
    content = bytearray(gzip.compress(idx_bytes(IMAGES)))
    if damage == "cut":
        content = content[:-9]
    elif damage == "flip":
        content[-6] ^= 0xFF  # in the checksum
    else:
        content += b"rubbish"
    path = tmp_path / "images.gz"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"images\.gz: damaged gzip file .*fetch it again"):
        uncompressed(path)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none: cannot be read \(No such file"):
        uncompressed(tmp_path / "none")
