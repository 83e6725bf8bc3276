"""Safetensors files of ours that say what they are: format, version, arrays, in one reader."""

from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from tifed.errors import UsageError

Arrays = dict[str, NDArray[Any]]


def read_tensors(path: Path, form: str, version: str) -> tuple[dict[str, str], Arrays]:
    """The header of ``path`` and its arrays by name.

    Raises:
        UsageError: if it cannot be read, is damaged, or is of another format or version.
    """
    try:
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
        SafetensorError: if it is no safetensors file.
    """
    with safe_open(path, "numpy") as file:
        header = dict(file.metadata() or {})
        return header, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
