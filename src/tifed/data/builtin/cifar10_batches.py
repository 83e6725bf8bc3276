"""CIFAR-10's files: the binary layout, and the Python one without letting pickles call anything."""

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tifed.data.builtin.array_pickle import ArrayUnpickler
from tifed.errors import UsageError

SIDE, CHANNELS = 32, 3
PIXELS = SIDE * SIDE * CHANNELS
CLASS_NAMES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
_MOST_BYTES = 1 << 28  # an official batch has 31 MB


def read_pickled_batch(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """One batch of the Python layout: a dictionary with ``data`` and ``labels``.

    Returns:
        Pictures uint8 (N, 3072), plane by plane, and labels int32 (N,).

    Raises:
        UsageError: if the file cannot be read, names anything but arrays, or holds something else.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror or error})") from error
    if len(content) > _MOST_BYTES:
        raise UsageError(f"{path}: {len(content)} bytes are far more than a batch has")
    try:
        batch = ArrayUnpickler(io.BytesIO(content), encoding="bytes").load()
    except Exception as error:  # damaged pickles raise nearly anything
        raise UsageError(
            f"{path}: is no batch of CIFAR-10 ({error or type(error).__name__}); fetch it again"
        ) from error
    batch = batch if isinstance(batch, dict) else {}
    data, labels = (batch.get(name, batch.get(name.decode())) for name in (b"data", b"labels"))
    if not (
        isinstance(data, np.ndarray)
        and data.dtype == np.uint8
        and data.ndim == 2
        and data.shape[1] == PIXELS
        and isinstance(labels, list)
        and len(labels) == len(data) > 0
        and all(type(label) is int for label in labels)
    ):
        raise UsageError(
            f"{path}: is no batch of CIFAR-10; it must hold `data`, bytes of shape (N, {PIXELS}), "
            "and `labels`, a list of N numbers"
        )
    return data, checked_labels(labels, path)


def read_binary_batch(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """One batch of the binary layout: records of a label and 3,072 bytes, plane by plane.

    Returns:
        Pictures uint8 (N, 3072) as in the file, and labels int32 (N,).

    Raises:
        UsageError: if the file cannot be read, is cut, or has a label of no class.
    """
    try:
        content = np.fromfile(path, dtype=np.uint8)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror or error})") from error
    record = 1 + PIXELS
    if not len(content) or len(content) % record:
        raise UsageError(
            f"{path}: {len(content)} bytes are not whole records of {record} (a label and "
            f"{PIXELS} bytes); fetch the file again"
        )
    records = content.reshape(-1, record)
    return records[:, 1:], checked_labels(records[:, 0].tolist(), path)


def checked_labels(labels: list[int], path: Path) -> NDArray[np.int32]:
    """Labels as int32, each a class.

    Raises:
        UsageError: naming the first that is none.
    """
    for row, label in enumerate(labels):
        if not 0 <= label < len(CLASS_NAMES):
            raise UsageError(f"{path}: record {row}: label {label} is not in 0..9")
    return np.array(labels, dtype=np.int32)
