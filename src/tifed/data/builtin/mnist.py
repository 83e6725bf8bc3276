"""MNIST and Fashion-MNIST: 60,000 + 10,000 pictures of 28 by 28 bytes, in four IDX files."""

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tifed.data.builtin.idx import parse_idx, read_images, uncompressed
from tifed.data.download import check_sha256, download
from tifed.data.locate import DataSource, locate
from tifed.data.quantisation.quantisation import Quantisation
from tifed.data.samples import Dataset, Samples
from tifed.errors import UsageError

TRAIN_IMAGES = "train-images-idx3-ubyte"
TRAIN_LABELS = "train-labels-idx1-ubyte"
TEST_IMAGES = "t10k-images-idx3-ubyte"
TEST_LABELS = "t10k-labels-idx1-ubyte"

# SHA-256 of the *uncompressed* files: the same IDX bytes travel in differently compressed files.
CHECKSUMS = {
    "mnist": {
        TRAIN_IMAGES: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        TRAIN_LABELS: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        TEST_IMAGES: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        TEST_LABELS: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
    "fashion-mnist": {
        TRAIN_IMAGES: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        TRAIN_LABELS: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        TEST_IMAGES: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        TEST_LABELS: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    },
}


@dataclass(frozen=True)
class CheckedFiles:
    """Downloads files with ".gz" added to their names and compares each with its checksum.

    Attributes:
        checksums: for each file the SHA-256 (hex) of its uncompressed content.
    """

    checksums: dict[str, str]

    def __call__(self, source: DataSource, folder: Path) -> None:
        """Fetch what ``folder`` lacks.

        Raises:
            UsageError: if an address does not answer or gives other content.
        """
        for name, expected in self.checksums.items():
            url, target = f"{source.address}{name}.gz", folder / f"{name}.gz"
            if target.exists() or (folder / name).exists():
                continue

            def check(path: Path, expected: str = expected, url: str = url) -> None:
                try:
                    content = uncompressed(path)
                except UsageError as error:  # it names a file that is gone when one reads this
                    raise UsageError(f"downloading {url} gave a damaged gzip file") from error
                check_sha256(content, expected, url)

            download(url, target, check)


def _source(
    name: str, folders: tuple[str, ...], address: str, system: tuple[Path, ...] = ()
) -> DataSource:
    """The place of one of the two data sets."""
    return DataSource(
        name=name,
        files=(TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS),
        folders=folders,
        address=address,
        fetch=CheckedFiles(CHECKSUMS[name]),
        system=system,
        package=f"apt install dataset-{name} (Debian)" if system else "",
    )


MNIST = _source(
    "mnist",
    ("mnist", "MNIST", "MNIST/raw"),
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
)
FASHION_MNIST = _source(
    "fashion-mnist",
    ("fashion-mnist", "fashion_mnist", "FashionMNIST", "FashionMNIST/raw"),
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    (Path("/usr/share/datasets/fashion-mnist"),),
)

DIGIT_NAMES = tuple(str(digit) for digit in range(10))
CLOTHES_NAMES = (
    "T-shirt/top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)


def load_idx(
    source: DataSource,
    class_names: tuple[str, ...],
    data_dir: Path | None = None,
    cache_dir: Path | None = None,
    *,
    download: bool = True,
) -> Dataset:
    """Load a data set of four IDX files; features are the pixels less 128, row by row.

    Raises:
        UsageError: if the files are nowhere or damaged, or are another known data set's.
    """
    found = locate(source, data_dir, cache_dir, download=download)
    _refuse_mistaken_identity(source, found[TEST_LABELS])
    parts, shapes = [], []
    for images, labels in ((TRAIN_IMAGES, TRAIN_LABELS), (TEST_IMAGES, TEST_LABELS)):
        pictures, answers = read_images(found[images], found[labels])
        if answers.size and (top := int(answers.max())) >= len(class_names):
            raise UsageError(
                f"{found[labels]}: label {top} is not in 0..{len(class_names) - 1}, "
                f"the classes of {source.name}"
            )
        parts.append(Samples(centred(pictures), answers.astype(np.int32)))
        shapes.append((pictures.shape[1], pictures.shape[2], 1))
    if shapes[0] != shapes[1]:
        raise UsageError(
            f"{found[TEST_IMAGES]}: images of {shapes[1][:2]} pixels, but the training images have "
            f"{shapes[0][:2]}; the files do not belong together"
        )
    return Dataset(
        name=source.name,
        train=parts[0],
        test=parts[1],
        class_names=class_names,
        image_shape=shapes[0],
        quantisation=Quantisation("minus-128"),
    )


def centred(pictures: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Pictures uint8 (N, height, width[, channels]) to rows of int8 features, less 128.

    >>> centred(np.array([[[0, 128, 255]]], np.uint8)).tolist()
    [[-128, 0, 127]]
    """
    # Flipping the top bit of a byte subtracts 128 in two's complement.
    flat = pictures.reshape(len(pictures), math.prod(pictures.shape[1:]))
    return (flat ^ np.uint8(0x80)).view(np.int8)


def _refuse_mistaken_identity(source: DataSource, labels: Path) -> None:
    """MNIST and Fashion-MNIST share file names, so a folder is easily taken for the other."""
    content = uncompressed(labels)
    parse_idx(content, 1, str(labels))
    found = hashlib.sha256(content).hexdigest()
    for name, checksums in CHECKSUMS.items():
        if name != source.name and checksums[TEST_LABELS] == found:
            raise UsageError(
                f"{labels}: this is {name}, not {source.name}; "
                f"put each into a folder of its own, named {name!r} and {source.name!r}"
            )
