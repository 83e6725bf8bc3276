"""A user's own pair of IDX files, and the pair of test files beside it."""

import re
from pathlib import Path

from tifed.data.builtin.idx import read_images
from tifed.data.images import flat
from tifed.data.table import Table
from tifed.errors import UsageError

_IMAGES = re.compile(r".*idx3[-.]ubyte(\.gz)?", re.IGNORECASE)


def is_idx(path: Path) -> bool:
    """Whether the name is one that files of images have.

    >>> is_idx(Path("emnist-letters-train-images-idx3-ubyte.gz")), is_idx(Path("x.idx1-ubyte"))
    (True, False)
    """
    return _IMAGES.fullmatch(path.name) is not None


def read_idx_pair(
    path: Path, missing: bool, *, labels_file: str | Path | None = None
) -> tuple[Table, Table | None]:
    """Read images, the labels beside them, and the test pair beside both if there is one.

    From ``x-train-images-idx3-ubyte.gz`` the labels' name is made by putting ``labels`` for
    ``images`` and ``idx1`` for ``idx3``, the test pair's by putting ``t10k`` or ``test`` for
    ``train``; each may end in .gz or not.

    Args:
        path: the file of images.
        missing: nothing can be missing here.
        labels_file: the file of labels, if it has another name.

    Raises:
        UsageError: if there is no such file of labels, or a file is damaged.
    """
    labels = _labels_of(path) if labels_file is None else Path(labels_file)
    if labels is None:
        raise UsageError(
            f"{path}: there is no file of labels beside it; it should be named "
            f"{_renamed(path.name)}, or be named by data.labels_file"
        )
    table = _read(path, labels)
    if labels_file is None and "train" in path.name:
        for word in ("t10k", "test"):
            images = _either(path.with_name(path.name.replace("train", word)))
            if images is not None and (answers := _labels_of(images)) is not None:
                test = _read(images, answers)
                if test.image_shape != table.image_shape:
                    raise UsageError(
                        f"{images}: images of shape {test.image_shape}, but {path} has "
                        f"{table.image_shape}; the files do not belong together"
                    )
                return table, test
    return table, None


def _read(images: Path, labels: Path) -> Table:
    """One pair."""
    pictures, answers = read_images(images, labels)
    features, shape = flat(pictures, str(images))
    return Table(features, answers, None, image_shape=shape, one_unit=True)


def _labels_of(images: Path) -> Path | None:
    """The file of labels beside a file of images."""
    renamed = _renamed(images.name)
    return None if renamed == images.name else _either(images.with_name(renamed))


def _renamed(name: str) -> str:
    """The labels' name."""
    return name.replace("images", "labels").replace("idx3", "idx1")


def _either(path: Path) -> Path | None:
    """``path``, with .gz at its end or without, whichever exists."""
    plain = path.with_name(path.name.removesuffix(".gz"))
    found = [p for p in (path, plain, plain.with_name(f"{plain.name}.gz")) if p.is_file()]
    return found[0] if found else None
