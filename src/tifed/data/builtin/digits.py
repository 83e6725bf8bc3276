"""Digits: 1,797 pictures of 8 by 8, which come with scikit-learn. No download."""

import functools
import gzip
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from tifed.data.builtin.mnist import DIGIT_NAMES
from tifed.data.quantisation.quantisation import Quantisation
from tifed.data.samples import Dataset, Samples
from tifed.errors import UsageError


def load_digits() -> Dataset:
    """Load the digits: 64 features, 10 classes, 1,437 training and 360 test samples.

    A value v of 0..16 becomes ``min(16 * v, 255) - 128``. Every fifth sample, the first included,
    is a test sample.

    Raises:
        UsageError: if scikit-learn is not installed, or without its data.
    """
    table = _table()
    features = (np.minimum(16 * table[:, :-1].astype(np.int64), 255) - 128).astype(np.int8)
    labels = table[:, -1].astype(np.int32)
    test = np.arange(len(labels)) % 5 == 0
    return Dataset(
        name="digits",
        train=Samples(features[~test], labels[~test]),
        test=Samples(features[test], labels[test]),
        class_names=DIGIT_NAMES,
        image_shape=(8, 8, 1),
        quantisation=Quantisation("minus-128"),
    )


@functools.cache
def _table() -> np.ndarray:
    """Pixels and label of each picture, (1797, 65).

    Kept: it is small, and reading it takes as long as ten rounds of training.

    Read from scikit-learn's file: to import scikit-learn takes over a second, which a node of a
    federation would spend on every message.
    """
    package = find_spec("sklearn")
    path = Path(package.origin or "").parent / "datasets/data/digits.csv.gz" if package else None
    if path is None or not path.is_file():
        raise UsageError("digits: come with scikit-learn; pip install scikit-learn")
    with gzip.open(path, "rt", encoding="ascii") as file:
        table = np.loadtxt(file, delimiter=",").astype(np.uint8)
    table.flags.writeable = False
    return table
