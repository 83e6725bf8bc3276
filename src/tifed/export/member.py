"""What a library's common files know of each of its models, kept in the library itself."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tifed.errors import UsageError
from tifed.export.folder import MARK, read_mark
from tifed.export.names import DEFAULT, Names
from tifed.version import __version__


@dataclass(frozen=True)
class Member:
    """A model of a library.

    Attributes:
        prefix: of its names.
        shape: of its network.
        bytes_on_device: RAM of the core for it.
        joins: whether a device of a federation can have it.
        switched: whether the device's side of the link needs what front ends and shift copies
            need.
        about: recipe, and digests of what the library holds of it.
        readme: its part of the README, with its own names.
        paths: its files.
        sealed: whether its line is.
        short: the switches of its short updates, see `Model.short`.
    """

    prefix: str
    shape: str
    bytes_on_device: int
    joins: bool
    switched: bool
    about: Mapping[str, str]
    readme: str
    paths: tuple[str, ...]
    sealed: bool = False
    short: tuple[str, ...] = ()

    @property
    def names(self) -> Names:
        """Its names in C and in files."""
        return Names(self.prefix)


def members_about(members: Mapping[str, Member]) -> list[dict[str, Any]]:
    """For the mark of a library."""
    return [asdict(members[prefix]) for prefix in sorted(members)]


def members_of(folder: Path, framework: str) -> dict[str, tuple[Member, dict[str, bytes]]]:
    """The models of the library in a folder, to which another is to be added, and their files.

    Raises:
        UsageError: if there is no library for ``framework``, or one of another release, whose core
            the models' files may not fit.
    """
    mark = read_mark(folder / MARK)
    if mark is None or "models" not in mark:
        raise UsageError(
            f"{folder}: is no library that a model could be added to; leave --add out for the first"
        )
    if mark["framework"] != framework:
        raise UsageError(f"framework: {folder} is for {mark['framework']}, not for {framework}")
    if mark["tifed"] != __version__:
        raise UsageError(
            f"{folder}: was exported by release {mark['tifed']} and this is {__version__}; "
            "export its other models again with this release, the first of them without --add"
        )
    found = {}
    for fields in mark["models"]:
        member = Member(**(fields | {name: tuple(fields[name]) for name in ("paths", "short")}))
        files = {path: (folder / path).read_bytes() for path in member.paths}
        found[member.prefix] = member, files
    return found


def require_none_lost(folder: Path, prefix: str) -> None:
    """Make sure that a library which is about to be replaced has no other model.

    Raises:
        UsageError: naming the others.
    """
    mark = read_mark(folder / MARK) or {}
    others = [one["prefix"] for one in mark.get("models", ()) if one["prefix"] != prefix]
    if others:
        named = ", ".join("the one without a prefix" if o == DEFAULT else o for o in others)
        raise UsageError(
            f"{folder}: has other models ({named}), which would be lost; add this one to them with "
            "--add, or name a new folder"
        )
