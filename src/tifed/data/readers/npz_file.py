"""A user's samples in NumPy's .npz: named arrays, nothing pickled."""

import io
import math
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from tifed.data.bounded import most_uncompressed
from tifed.data.images import flat
from tifed.data.labels import as_column
from tifed.data.table import Table
from tifed.errors import UsageError

_ARRAYS = ("features", "labels", "groups", "test_features", "test_labels", "test_groups")
_OTHER_NAMES = {
    "x_train": "features",
    "y_train": "labels",
    "x_test": "test_features",
    "y_test": "test_labels",
    "x": "features",
    "y": "labels",
}  # Keras' and scikit-learn's, in small letters


def read_npz(path: Path, missing: bool) -> tuple[Table, Table | None]:
    """Read arrays ``features``, ``labels`` and, if wanted, ``groups`` (N,).

    With ``test_features``, ``test_labels`` (and ``test_groups``) the file has a split of its own.
    Keras' names (``x_train`` ...) are known as well.

    Features are (N, D), or pictures (N, height, width[, channels]). Labels are (N,), (N, 1) or
    one-hot (N, C).

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
        raise UsageError(
            f"{path}: unknown array {name!r}; the names are {', '.join(_ARRAYS)}, or "
            "x_train, y_train, x_test, y_test"
        )
    table = _table(arrays, "", path)
    if not any(name.startswith("test_") for name in arrays):
        return table, None
    for name in ("test_features", "test_labels"):
        if name not in arrays:
            raise UsageError(
                f"{path}: has no array {name!r}, but another test array; a test split needs "
                "test_features and test_labels"
            )
    test = _table(arrays, "test_", path)
    if test.image_shape != table.image_shape:
        raise UsageError(
            f"{path}, test_features: pictures of shape {test.image_shape}, but the training "
            f"samples have {table.image_shape}"
        )
    return table, test


def _table(arrays: dict[str, NDArray[Any]], prefix: str, path: Path) -> Table:
    """The arrays of one split."""
    features, shape = flat(arrays[f"{prefix}features"], f"{path}, {prefix}features")
    groups = arrays.get(f"{prefix}groups")
    return Table(
        features,
        as_column(arrays[f"{prefix}labels"]),
        None if groups is None else as_column(groups),
        image_shape=shape,
        one_unit=shape is not None and features.dtype == np.uint8,
    )


def _read(path: Path) -> dict[str, NDArray[Any]]:
    """Every array of the file, by this project's names."""
    arrays: dict[str, NDArray[Any]] = {}
    try:
        with path.open("rb") as file:
            if file.read(6) == np.lib.format.MAGIC_PREFIX:
                raise UsageError(f"{path}: is a single array; save several with numpy.savez")
            with zipfile.ZipFile(file) as archive:
                _check_members(archive, path)
                for member in archive.infolist():
                    name = member.filename.removesuffix(".npy")
                    name = _OTHER_NAMES.get(name.lower(), name)
                    if name in arrays:
                        raise UsageError(f"{path}: has the array {name!r} twice")
                    with archive.open(member) as content:
                        arrays[name] = _array(content, member.file_size, f"{path}, {name}")
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (zipfile.BadZipFile, EOFError, zlib.error, NotImplementedError) as error:
        raise UsageError(
            f"{path}: is no .npz file, or a damaged one ({error}); save it again with numpy.savez"
        ) from error
    return arrays


def _check_members(archive: zipfile.ZipFile, path: Path) -> None:
    """Refuse what numpy.savez does not write, and what is too large to be meant."""
    for member in archive.infolist():
        where = f"{path}, {member.filename}"
        if not member.filename.endswith(".npy"):
            raise UsageError(f"{where}: is no array (.npy); save arrays with numpy.savez")
        if member.flag_bits & 1:
            raise UsageError(f"{where}: is encrypted; save it again with numpy.savez")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise UsageError(
                f"{where}: is compressed by method {member.compress_type}, which NumPy does not "
                "write; save it again with numpy.savez_compressed"
            )
    total = sum(member.file_size for member in archive.infolist())
    if total > (most := most_uncompressed(sum(m.compress_size for m in archive.infolist()))):
        raise UsageError(
            f"{path}: would have {total} bytes uncompressed; more than {most} are not believed of "
            "a file of this size. Save it uncompressed, with numpy.savez, or in smaller types"
        )


def _array(content: IO[bytes], size: int, where: str) -> NDArray[Any]:
    """One array, after a look at whether its header fits the bytes that follow."""
    start = io.BytesIO(content.read(1 << 16))
    try:
        version = np.lib.format.read_magic(start)
        read_header = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        shape, fortran, dtype = read_header(start)
    except Exception as error:  # a header is a Python literal: many things can be wrong with it
        raise UsageError(
            f"{where}: is no array of NumPy's ({error}); save it again with numpy.savez"
        ) from error
    if dtype.hasobject:
        raise UsageError(
            f"{where}: holds Python objects; save plain arrays of numbers or strings with "
            "numpy.savez"
        )
    promised, there = math.prod(shape) * dtype.itemsize, size - start.tell()
    if promised != there or min(shape, default=0) < 0:
        raise UsageError(
            f"{where}: the header promises {promised} bytes for the shape {shape}, but {there} "
            "follow; the file is damaged, save it again"
        )
    data = start.read() + content.read()
    array: NDArray[Any] = np.frombuffer(data, dtype=dtype) if promised else np.empty(0, dtype)
    return array.reshape(shape, order="F" if fortran else "C")
