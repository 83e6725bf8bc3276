"""Where a public data set lies on this machine.

Looked for in this order: the folder the user names, known system folders, the cache, and only then
at the data set's own address.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tifed.errors import UsageError

Found = dict[str, Path]
"""For each file (or folder) of a data set, where it is."""


@dataclass(frozen=True)
class DataSource:
    """A public data set's files and the places they come from.

    Attributes:
        name: of the data set.
        files: names of the files or folders that make it up; a file may end in ".gz" as well.
        folders: names a user's folder for it may have, its own name first.
        address: what the file names are appended to for a download; ends with "/" or names one
            archive.
        fetch: downloads into a folder (address, folder); None of it is left if it fails.
        system: folders where a system package puts it.
        package: what the user may install instead, or "".
    """

    name: str
    files: tuple[str, ...]
    folders: tuple[str, ...]
    address: str
    fetch: Callable[["DataSource", Path], None]
    system: tuple[Path, ...] = ()
    package: str = ""


def cache_folder(cache_dir: Path | None = None) -> Path:
    """The cache: ``cache_dir``, else $TIFED_CACHE, else the platform's cache folder for tifed."""
    if cache_dir is not None:
        return cache_dir
    if named := os.environ.get("TIFED_CACHE"):
        return Path(named)
    import pooch  # late: it costs a tenth of a second, and only public data sets need it

    return Path(pooch.os_cache("tifed"))


def locate(
    source: DataSource,
    data_dir: Path | None = None,
    cache_dir: Path | None = None,
    *,
    download: bool = True,
) -> Found:
    """Find the files of ``source``, downloading them into the cache as the last resort.

    Args:
        source: which data set.
        data_dir: a folder of the user's: it holds the files, or a folder named after the data set
            that does.
        cache_dir: see `cache_folder`.
        download: whether the network may be used.

    Returns:
        The path of each of ``source.files``.

    Raises:
        UsageError: if the data set is nowhere; the message says what to install, which folder to
            name and what must be in it, and which address was tried.
    """
    places: list[Path] = []
    if data_dir is not None:
        if not data_dir.is_dir():
            raise UsageError(f"data_dir: {data_dir} is not a folder; name the one with the data")
        # The named subfolder first: MNIST and Fashion-MNIST use the same file names.
        places += [data_dir / folder for folder in source.folders] + [data_dir]
    places += source.system
    cache = cache_folder(cache_dir) / source.name
    places.append(cache)
    for place in places:
        # A cache that lacks files is a download that was cut short: it goes on below.
        if found := _in_folder(source, place, partly=place == cache):
            return found
    reason = "downloading was not allowed"
    if download:
        try:
            source.fetch(source, cache)
        except UsageError as error:
            reason = str(error)
        else:
            if found := _in_folder(source, cache, partly=True):
                return found
            reason = f"the download from {source.address} lacked files"
    raise UsageError(_advice(source, places, reason))


def _in_folder(source: DataSource, place: Path, *, partly: bool) -> Found:
    """The files in ``place``, or {}; if it has some of them, {} if ``partly`` or else an error."""
    found: Found = {}
    for name in source.files:
        for candidate in (place / name, place / f"{name}.gz"):
            if candidate.exists():
                found[name] = candidate
                break
    missing = [name for name in source.files if name not in found]
    if missing and (partly or not found):
        return {}
    if missing:
        raise UsageError(
            f"{place}: has {', '.join(sorted(found))} but lacks {', '.join(missing)} "
            f"(or the same with .gz) of the data set {source.name}; add what is missing"
        )
    return found


def _advice(source: DataSource, places: list[Path], reason: str) -> str:
    """What to do when the data set is nowhere."""
    ways = []
    if source.package:
        ways.append(f"install it: {source.package}")
    ways.append(
        f"name a folder with --data-dir (data_dir) that holds {', '.join(source.files)}"
        f"{' (each may end in .gz)' if len(source.files) > 1 else ''}, "
        f"or a subfolder {source.folders[0]!r} that does"
    )
    ways.append(f"fetch it from {source.address} on a machine that has a network")
    return (
        f"data set {source.name}: not found. {reason[0].upper()}{reason[1:]}.\n"
        f"Looked in: {', '.join(map(str, places))}.\n"
        "What helps:\n" + "\n".join(f"  - {way}" for way in ways)
    )
