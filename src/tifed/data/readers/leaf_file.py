"""LEAF's JSON: users with their samples. Each user is a group."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tifed.data.images import Shape, flat
from tifed.data.labels import as_column
from tifed.data.table import Table
from tifed.errors import UsageError

_MOST_BYTES = 1 << 29  # a number of JSON takes several times its text in memory


def read_leaf(path: Path, missing: bool) -> tuple[Table, None]:
    """Read ``{"users": [...], "user_data": {user: {"x": [...], "y": [...]}}}``.

    Args:
        path: the file; LEAF writes the test users into a second one (``test_file``).
        missing: whether values may be missing: NaN, which JSON does not have but LEAF may write.

    Raises:
        UsageError: naming the user and field that is wrong.
    """
    document = _json(path)
    data = document.get("user_data") if isinstance(document, dict) else None
    if not isinstance(data, dict):
        raise UsageError(
            f"{path}: has no object 'user_data'; LEAF's files are "
            '{"users": [...], "user_data": {user: {"x": [...], "y": [...]}}}'
        )
    features: list[NDArray[Any]] = []
    labels: list[NDArray[Any]] = []
    groups: list[str] = []
    shape: Shape | None = None
    for user, samples in data.items():
        where = f"{path}, user {user!r}"
        if not isinstance(samples, dict) or not all(
            isinstance(samples.get(field), list) for field in "xy"
        ):
            raise UsageError(f"{where}: must be an object with the lists 'x' and 'y'")
        if not samples["x"] and not samples["y"]:
            continue
        values, shape = flat(_array(samples["x"], f"{where}, x"), f"{where}, x")
        answers = as_column(_array(samples["y"], f"{where}, y"))
        if values.ndim != 2 or (features and values.shape[1] != features[0].shape[1]):
            raise UsageError(
                f"{where}, x: shape {values.shape}; every sample of every user must have the same "
                "number of features"
            )
        if answers.shape != values.shape[:1]:
            raise UsageError(
                f"{where}, y: shape {answers.shape} does not fit {len(values)} samples"
            )
        features.append(values)
        labels.append(answers)
        groups += [str(user)] * len(values)
    if not features:
        raise UsageError(f"{path}: has no samples")
    return Table(
        np.concatenate(features),
        np.concatenate(labels),
        np.array(groups, dtype=np.str_),
        image_shape=shape,
    ), None


def _json(path: Path) -> Any:
    """What the file says."""
    try:
        if (size := path.stat().st_size) > _MOST_BYTES:
            raise UsageError(f"{path}: has {size} bytes; {_MOST_BYTES} are the most of a JSON file")
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror or error})") from error
    except RecursionError as error:
        raise UsageError(
            f"{path}: is nested too deeply for LEAF's JSON, whose samples are lists of numbers"
        ) from error
    except ValueError as error:
        raise UsageError(f"{path}: is not JSON ({error}); mend it or fetch it again") from error


def _array(values: list[Any], where: str) -> NDArray[Any]:
    """Nested lists as an array of numbers, or of text."""
    try:
        array = np.asarray(values)
    except (ValueError, OverflowError, RecursionError) as error:
        raise UsageError(f"{where}: lists of different lengths ({error})") from error
    if array.dtype.kind not in "iufU":
        raise UsageError(f"{where}: must be numbers, not {array.dtype}")
    return array
