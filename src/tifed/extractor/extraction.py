"""A data set's features: extracted once, kept in the cache by content."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tifed.data import Dataset
from tifed.data.feature_cache import kept_features, with_features
from tifed.errors import UsageError
from tifed.extractor import oracle
from tifed.extractor.extractor import Extractor


def extracted(dataset: Dataset, extractor: Extractor, cache_dir: Path | None = None) -> Dataset:
    """The same samples, labels and groups with features instead of raw values.

    What was extracted before is read from the cache (`tifed.data.feature_cache`).

    Args:
        dataset: raw samples.
        extractor: what turns them into features.
        cache_dir: see `tifed.data.locate.cache_folder`.

    Raises:
        UsageError: if the samples are not what the extractor takes.
    """
    height, width, channels = extractor.input_shape
    takes = f"extractor: the extractor takes {height}x{width}x{channels}"
    if dataset.features != extractor.input_features:
        raise UsageError(
            f"{takes} = {extractor.input_features} values, a sample of {dataset.name!r} has "
            f"{dataset.features}"
        )
    # As many values of another shape would be taken for neighbours that they are not.
    if dataset.image_shape not in (None, extractor.input_shape):
        raise UsageError(
            f"{takes}, a sample of {dataset.name!r} is "
            f"{'x'.join(map(str, dataset.image_shape or ()))} when it gets there"
        )
    arrays = kept_features(
        dataset,
        extractor.digest,
        extractor.features,
        lambda samples: extract(extractor, samples),
        cache_dir,
    )
    return with_features(dataset, arrays, extractor.planes[-1])


def extract(extractor: Extractor, samples: NDArray[np.int8]) -> NDArray[np.int8]:
    """Features int8 (N, F) of samples int8 (N, D), in C where this installation has it."""
    try:
        from tifed.extractor import native
    except ImportError:
        return oracle.extract(extractor, samples)
    return native.extract(extractor, samples)
