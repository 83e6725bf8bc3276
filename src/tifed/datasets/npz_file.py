"""A user's samples in NumPy's .npz: named arrays, nothing pickled."""

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tifed.datasets.own_data import assemble
from tifed.datasets.samples import Dataset
from tifed.datasets.table import Table
from tifed.errors import UsageError

_ARRAYS = ("features", "labels", "groups", "test_features", "test_labels", "test_groups")


def load_npz(
    path: Path,
    *,
    test_fraction: int = 20,
    quantise: str | Path = "auto",
    classes: int | None = None,
) -> Dataset:
    """Load arrays ``features`` (N, D), ``labels`` (N,) and, if wanted, ``groups`` (N,).

    With ``test_features``, ``test_labels`` (and ``test_groups``) the file has a split of its own.

    Args:
        path: the file.
        test_fraction: percent for the test split, 1..90, if the file has none.
        quantise: "auto", "per-feature", "shared", "none", or a saved quantisation's path.
        classes: number of classes, if not all of them occur.

    Raises:
        UsageError: naming the array that is missing or wrong.
    """
    arrays = _read(path)
    for name in ("features", "labels"):
        if name not in arrays:
            raise UsageError(
                f"{path}: has no array {name!r}, only {', '.join(sorted(arrays)) or 'none'}; save "
                "it with numpy.savez(path, features=..., labels=...)"
            )
    for name in sorted(set(arrays) - set(_ARRAYS)):
        raise UsageError(f"{path}: unknown array {name!r}; the names are {', '.join(_ARRAYS)}")
    test = None
    if any(name.startswith("test_") for name in arrays):
        for name in ("test_features", "test_labels"):
            if name not in arrays:
                raise UsageError(
                    f"{path}: has no array {name!r}, but another test array; a test split needs "
                    "test_features and test_labels"
                )
        test = Table(arrays["test_features"], arrays["test_labels"], arrays.get("test_groups"))
    return assemble(
        path,
        Table(arrays["features"], arrays["labels"], arrays.get("groups")),
        test,
        test_fraction=test_fraction,
        quantise=quantise,
        classes=classes,
    )


def _read(path: Path) -> dict[str, NDArray[Any]]:
    """Every array of the file."""
    try:
        with path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise UsageError(f"{path}: is a single array; save several with numpy.savez")
            with archive:
                return {name: archive[name] for name in archive.files}
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror or error})") from error
    except ValueError as error:
        raise UsageError(
            f"{path}: holds Python objects or is no .npz file ({error}); save plain arrays of "
            "numbers or strings with numpy.savez"
        ) from error
    except (zipfile.BadZipFile, EOFError, zlib.error) as error:
        raise UsageError(f"{path}: damaged .npz file ({error}); save it again") from error
