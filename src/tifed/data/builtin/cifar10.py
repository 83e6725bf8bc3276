"""CIFAR-10: 50,000 + 10,000 colour pictures of 32 by 32, in either of the two official layouts."""

import tarfile
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tifed.data.builtin.cifar10_batches import (
    CHANNELS,
    CLASS_NAMES,
    SIDE,
    read_binary_batch,
    read_pickled_batch,
)
from tifed.data.builtin.mnist import centred
from tifed.data.download import check_sha256, download
from tifed.data.locate import DataSource, Found, locate
from tifed.data.quantisation.quantisation import Quantisation
from tifed.data.samples import Dataset, Samples

TRAIN_BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))
TEST_BATCH = "test_batch"
_NAMES = (*TRAIN_BATCHES, TEST_BATCH)

ARCHIVE_SHA256 = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
_MOST_BYTES = 1 << 28  # uncompressed; the official six files have two thirds of it


class Cifar10Archive:
    """Downloads the archive of the binary layout, checks it and takes the six batches out.

    Attributes:
        sha256: what the archive must have, hex.
    """

    def __init__(self, sha256: str) -> None:
        self.sha256 = sha256

    def __call__(self, source: DataSource, folder: Path) -> None:
        """Fetch ``source.address``; its batches are in ``folder`` afterwards.

        Raises:
            UsageError: if the download fails or is another archive.
        """
        archive = folder / "archive.tar.gz"

        def check(path: Path) -> None:
            check_sha256(path.read_bytes(), self.sha256, source.address)
            _unpack(path, folder, source)

        download(source.address, archive, check)
        archive.unlink(missing_ok=True)


def _unpack(archive: Path, folder: Path, source: DataSource) -> None:
    """Put the batches of ``archive`` into ``folder``, each whole or not at all."""
    with tarfile.open(archive) as content, tempfile.TemporaryDirectory(dir=folder) as temporary:
        for entry in content:
            name = Path(entry.name).name
            stream = content.extractfile(entry) if name in source.files else None
            if stream is None or entry.size > _MOST_BYTES:
                continue
            fresh = Path(temporary) / name
            fresh.write_bytes(stream.read())
            fresh.replace(folder / name)


def _source(
    files: tuple[str, ...], folders: tuple[str, ...], address: str, sha256: str
) -> DataSource:
    """One of the two layouts."""
    return DataSource("cifar-10", files, ("cifar-10", *folders), address, Cifar10Archive(sha256))


BINARY = _source(
    tuple(f"{name}.bin" for name in _NAMES),
    ("cifar-10-batches-bin", "cifar-10-binary", "CIFAR-10"),
    "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    ARCHIVE_SHA256,
)
PYTHON = _source(
    _NAMES,
    ("cifar-10-batches-py", "cifar-10-python", "CIFAR-10", "CIFAR10/cifar-10-batches-py"),
    BINARY.address,  # what is fetched is always the binary layout
    ARCHIVE_SHA256,
)


def load_cifar10(
    data_dir: Path | None = None,
    cache_dir: Path | None = None,
    *,
    download: bool = True,
    source: DataSource = BINARY,
) -> Dataset:
    """Load CIFAR-10: 3,072 features, pixel - 128, channels last, in the official split.

    Args:
        data_dir: a folder of the user's with the batches of either layout, or one above it.
        cache_dir: see `tifed.data.locate.cache_folder`.
        download: whether the network may be used.
        source: the binary layout and where it comes from.

    Raises:
        UsageError: if the files are nowhere or damaged.
    """
    pickled = data_dir is not None and any(
        (place / TEST_BATCH).exists()
        for place in (data_dir, *(data_dir / folder for folder in PYTHON.folders))
    )
    found: Found = locate(
        PYTHON if pickled else source, data_dir, cache_dir, download=download and not pickled
    )
    suffix, read = ("", read_pickled_batch) if pickled else (".bin", read_binary_batch)

    def samples(names: tuple[str, ...]) -> Samples:
        pictures, labels = zip(*(read(found[name + suffix]) for name in names), strict=True)
        return Samples(channels_last(np.concatenate(pictures)), np.concatenate(labels))

    return Dataset(
        name="cifar-10",
        train=samples(TRAIN_BATCHES),
        test=samples((TEST_BATCH,)),
        class_names=CLASS_NAMES,
        image_shape=(SIDE, SIDE, CHANNELS),
        quantisation=Quantisation("minus-128"),
    )


def channels_last(planes: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Pictures uint8 (N, 3072) red, green and blue plane by plane, to rows of int8 pixels.

    >>> planes = np.zeros((1, 3072), np.uint8)
    >>> planes[0, [0, 1024, 2048]] = 128, 255, 1  # the first pixel's red, green and blue
    >>> channels_last(planes)[0, :4].tolist()
    [0, 127, -127, -128]
    """
    return centred(planes.reshape(-1, CHANNELS, SIDE, SIDE).transpose(0, 2, 3, 1))
