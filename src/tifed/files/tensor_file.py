"""Safetensors files of ours that say what they are: format, version, arrays, in one reader."""

from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from tifed.errors import UsageError

Arrays = dict[str, NDArray[Any]]

LARGEST_HEADER = 1 << 24
"""Bytes; ours have a few thousand, or some megabytes with the map of a very wide table."""
LARGEST_FILE = 1 << 30
"""Bytes of a model's file; it is read whole."""


def read_tensors(
    path: Path, form: str, version: str, largest: int = LARGEST_FILE
) -> tuple[dict[str, str], Arrays]:
    """The header of ``path`` and its arrays by name.

    Raises:
        UsageError: if it cannot be read, is damaged, has more than ``largest`` bytes, or is of
            another format or version.
    """
    try:
        size = path.stat().st_size
        if size > largest:
            raise UsageError(f"{path}: has {size:,} bytes; the most are {largest:,}")
        header, arrays = header_and_arrays(path)
    except (SafetensorError, OSError) as error:
        raise UsageError(f"{path}: not a readable safetensors file ({error})") from error
    if header.get("format") != form or header.get("version") != version:
        raise UsageError(
            f"{path}: format {header.get('format')!r} version {header.get('version')!r}; "
            f"this release reads {form!r} version {version!r}"
        )
    return header, arrays


def header_and_arrays(path: Path) -> tuple[dict[str, str], Arrays]:
    """Whatever header and arrays ``path`` has.

    Raises:
        OSError: if it cannot be read.
        SafetensorError: if it is no safetensors file, or has arrays that NumPy cannot hold.
    """
    with path.open("rb") as start:
        length = int.from_bytes(start.read(8), "little")
    if length > LARGEST_HEADER:
        raise SafetensorError(f"a header of {length:,} bytes; the most are {LARGEST_HEADER:,}")
    with safe_open(path, "numpy") as file:
        header = dict(file.metadata() or {})
        return header, {name: _array(file, name) for name in file.keys()}  # noqa: SIM118


def _array(file: Any, name: str) -> NDArray[Any]:
    """One array of an open file."""
    try:
        array: NDArray[Any] = file.get_tensor(name)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # safetensors looks up NumPy's type of bfloat16, 8-bit floats … which it does not have.
        one = file.get_slice(name)
        raise SafetensorError(
            f"{name:.80}: {one.get_dtype()} of {len(one.get_shape())} dimensions, which is no "
            "array of NumPy's"
        ) from error
    return array
