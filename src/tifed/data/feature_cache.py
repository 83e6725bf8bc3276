"""A data set's features: made once of its raw samples, kept in the cache by content."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import save

from tifed.data.locate import cache_folder
from tifed.data.quantisation.quantised import QuantisationReport
from tifed.data.samples import Dataset
from tifed.errors import UsageError
from tifed.files.atomic import write_atomically
from tifed.files.tensor_file import header_and_arrays

_FORMAT = "tifed-features-1"

Arrays = dict[str, NDArray[np.int8]]
"""Rows by what they are of: "train", "test", and "copies" where there are copies of the training
samples: those behind the first, one after the other."""
Make = Callable[[NDArray[np.int8]], NDArray[np.int8]]
"""Features int8 (N, F) of samples int8 (N, D)."""


def kept_features(
    dataset: Dataset, maker: str, features: int, make: Make, cache_dir: Path | None = None
) -> Arrays:
    """The features of both splits, and of the copies of training samples if there are any.

    What was made before is read from ``features`` in the cache folder: the file's name says
    what made them and of which samples, its checksum that it is whole. A cache that cannot be
    written costs time, not the run.

    Args:
        dataset: raw samples.
        maker: digest of what makes features of them.
        features: of a sample, how many.
        make: makes them.
        cache_dir: see `tifed.data.locate.cache_folder`.
    """
    name = f"{maker[:32]}-{dataset.digest[:32]}.safetensors"
    path = cache_folder(cache_dir) / "features" / name
    expected = {part: (len(rows), features) for part, rows in raw_rows(dataset).items()}
    arrays = _kept(path, expected)
    if arrays is None:
        arrays = made_features(dataset, make)
        _keep(path, arrays)
    return arrays


def made_features(dataset: Dataset, make: Make) -> Arrays:
    """The same features, made anew."""
    return {part: make(rows) for part, rows in raw_rows(dataset).items()}


def raw_rows(dataset: Dataset) -> Arrays:
    """All raw samples that features are made of."""
    rows = {"train": dataset.train.features, "test": dataset.test.features}
    if dataset.train.copies is not None:
        rows["copies"] = dataset.train.copies[1:].reshape(-1, dataset.features)
    return rows


def with_features(
    dataset: Dataset,
    arrays: Arrays,
    image_shape: tuple[int, int, int] | None,
    report: QuantisationReport | None = None,
) -> Dataset:
    """The same samples, labels and groups with features instead of raw values.

    Args:
        dataset: raw samples.
        arrays: the features of all its rows.
        image_shape: (rows, columns, channels) if the features are a plane.
        report: `Dataset.report` of the features.
    """
    copies, features = None, arrays["train"]
    if dataset.train.copies is not None:
        copies = np.concatenate([features, arrays["copies"]])
        copies = copies.reshape(len(dataset.train.copies), *features.shape)
        features = copies[0]
    train = replace(dataset.train, features=features, copies=copies)
    test = replace(dataset.test, features=arrays["test"])
    return replace(
        dataset, train=train, test=test, feature_names=(),
        report=report,
        image_shape=image_shape, quantisation=None, raw=dataset.sample_format,
    )  # fmt: skip


def _kept(path: Path, expected: dict[str, tuple[int, int]]) -> Arrays | None:
    """Features from an earlier time; None if there are none or the file is damaged."""
    if not path.is_file():
        return None
    try:
        header, read = header_and_arrays(path)
        arrays = {part: read[part] for part in expected}
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
    """SHA-256 (hex) of all of them."""
    digest = hashlib.sha256()
    for part in arrays:
        digest.update(np.ascontiguousarray(arrays[part]).data)
    return digest.hexdigest()
