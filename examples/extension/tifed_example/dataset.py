"""A data set with a name: two half circles within each other, drawn with a fixed seed."""

import numpy as np

from tifed.data import Dataset, Folders, Samples


def two_moons(folders: Folders, *, samples: int = 600) -> Dataset:
    """Two features, two classes; every fourth sample is a test sample.

    Args:
        folders: where a data set that has files would look for them.
        samples: how many; ``data.samples`` in an experiment.
    """
    del folders
    random = np.random.Generator(np.random.PCG64(1))
    labels = (np.arange(samples) % 2).astype(np.int32)
    angle = random.uniform(0, np.pi, samples)
    across = np.where(labels == 0, np.cos(angle), 1 - np.cos(angle))
    up = np.where(labels == 0, np.sin(angle), 0.5 - np.sin(angle))
    points = np.stack([across - 0.5, up - 0.25], axis=1) + random.normal(0, 0.1, (samples, 2))
    features = np.clip(np.rint(64 * points), -128, 127).astype(np.int8)
    test = np.arange(samples) % 4 == 3
    return Dataset(
        name="two-moons",
        train=Samples(features[~test], labels[~test]),
        test=Samples(features[test], labels[test]),
        class_names=("upper", "lower"),
    )
