"""Digits: 1,797 pictures of 8 by 8, which come with scikit-learn. No file, no network."""

import numpy as np

from tifed.datasets.mnist import DIGIT_NAMES
from tifed.datasets.quantisation import Quantisation
from tifed.datasets.samples import Dataset, Samples


def load_digits() -> Dataset:
    """Load the digits: 64 features, 10 classes, 1,437 training and 360 test samples.

    A value v of 0..16 becomes ``min(16 * v, 255) - 128``. Every fifth sample, the first included,
    is a test sample.
    """
    from sklearn import datasets as sklearn_datasets  # late: scikit-learn takes a second to import

    values, answers = sklearn_datasets.load_digits(return_X_y=True)
    features = (np.minimum(16 * values.astype(np.int64), 255) - 128).astype(np.int8)
    labels = answers.astype(np.int32)
    test = np.arange(len(labels)) % 5 == 0
    return Dataset(
        name="digits",
        train=Samples(features[~test], labels[~test]),
        test=Samples(features[test], labels[test]),
        class_names=DIGIT_NAMES,
        image_shape=(8, 8),
        quantisation=Quantisation("minus-128"),
    )
