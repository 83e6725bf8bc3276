"""Extractors by name: those that come with the package, and those that a user has made.

The card of those that come with the package is shipped/README.md.
"""

from importlib.resources import files
from pathlib import Path

from tifed.data.locate import cache_folder
from tifed.errors import UsageError
from tifed.extractor.extractor import Extractor
from tifed.extractor.extractor_file import load_extractor

_FOLDER = Path(str(files("tifed.extractor"))) / "shipped"
_SUFFIX = ".safetensors"

TO_BE_MADE = {
    "cifar-10-0-4": "tifed extractor train --source cifar-10 --classes 0,1,2,3,4 --channels 16,32 "
    "--kernel 5 --epochs 20 --calibration cifar-10",
}
"""Names that studies use of extractors that do not ship, and what makes them."""


def shipped_names() -> tuple[str, ...]:
    """Every extractor that comes with the package."""
    return tuple(sorted(path.stem for path in _FOLDER.glob(f"*{_SUFFIX}")))


def find_extractor(name: str) -> Extractor:
    """The extractor in a file, one that comes with the package, or one put into the cache.

    Args:
        name: a path, one of `shipped_names`, or of a file in the cache's folder ``extractors``.

    Raises:
        UsageError: if it is neither, or the file is damaged.
    """
    path = Path(name)
    if path.suffix == _SUFFIX or path.exists():
        return load_extractor(path)
    made = cache_folder() / "extractors" / f"{name}{_SUFFIX}"
    if name in TO_BE_MADE and not made.is_file():
        raise UsageError(
            f"extractor: {name!r} does not ship; make it with\n  {TO_BE_MADE[name]} --out {made}"
        )
    if made.is_file():
        return load_extractor(made)
    if name not in shipped_names():
        raise UsageError(
            f"extractor: {name!r} is no file that ends in {_SUFFIX}, and no extractor that comes "
            f"with TIFeD; choose from {', '.join(shipped_names())}"
        )
    return load_extractor(_FOLDER / f"{name}{_SUFFIX}")
