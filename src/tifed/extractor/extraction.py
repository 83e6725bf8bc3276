"""A data set's features: extracted once, kept in the cache by content."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import save

from tifed.data import Dataset
from tifed.data.locate import cache_folder
from tifed.errors import UsageError
from tifed.extractor import oracle
from tifed.extractor.extractor import Extractor
from tifed.files.atomic import write_atomically
from tifed.files.tensor_file import header_and_arrays

_PARTS = ("train", "test")
_FORMAT = "tifed-features-1"

Arrays = dict[str, NDArray[np.int8]]


def extracted(dataset: Dataset, extractor: Extractor, cache_dir: Path | None = None) -> Dataset:
    """The same samples, labels and groups with features instead of raw values.

    What was extracted before is read from ``features`` in the cache folder: the file's name says
    which extractor and which samples, its checksum that it is whole. A cache that cannot be written
    costs time, not the run.

    Args:
        dataset: raw samples.
        extractor: what turns them into features.
        cache_dir: see `tifed.data.locate.cache_folder`.

    Raises:
        UsageError: if the samples are not what the extractor takes.
    """
    if dataset.features != extractor.input_features:
        height, width, channels = extractor.input_shape
        raise UsageError(
            f"extractor: the extractor takes {height}x{width}x{channels} = "
            f"{extractor.input_features} values, a sample of {dataset.name!r} has "
            f"{dataset.features}"
        )
    name = f"{extractor.digest[:32]}-{dataset.digest[:32]}.safetensors"
    path = cache_folder(cache_dir) / "features" / name
    expected = {
        "train": (len(dataset.train), extractor.features),
        "test": (len(dataset.test), extractor.features),
    }
    arrays = _kept(path, expected)
    if arrays is None:
        arrays = {part: extract(extractor, getattr(dataset, part).features) for part in _PARTS}
        _keep(path, arrays)
    train, test = (replace(getattr(dataset, part), features=arrays[part]) for part in _PARTS)
    plane = extractor.planes[-1]
    return replace(
        dataset, train=train, test=test, feature_names=(), report=None,
        image_shape=plane, quantisation=None,
    )  # fmt: skip


def extract(extractor: Extractor, samples: NDArray[np.int8]) -> NDArray[np.int8]:
    """Features int8 (N, F) of samples int8 (N, D), in C where this installation has it."""
    try:
        from tifed.extractor import native
    except ImportError:
        return oracle.extract(extractor, samples)
    return native.extract(extractor, samples)


def _kept(path: Path, expected: dict[str, tuple[int, int]]) -> Arrays | None:
    """Features from an earlier time; None if there are none or the file is damaged."""
    if not path.is_file():
        return None
    try:
        header, read = header_and_arrays(path)
        arrays = {part: read[part] for part in _PARTS}
    except (SafetensorError, OSError, KeyError):
        return None
    whole = {part: array.shape for part, array in arrays.items()} == expected
    known = (header.get("format"), header.get("checksum")) == (_FORMAT, _checksum(arrays))
    return arrays if whole and known else None


def _keep(path: Path, arrays: Arrays) -> None:
    """Write features for the next time, if the cache can be written."""
    header = {"format": _FORMAT, "checksum": _checksum(arrays)}
    try:
        write_atomically(path, save(arrays, header))
    except UsageError:
        return


def _checksum(arrays: Arrays) -> str:
    """SHA-256 (hex) of both splits."""
    digest = hashlib.sha256()
    for part in _PARTS:
        digest.update(np.ascontiguousarray(arrays[part]).data)
    return digest.hexdigest()
