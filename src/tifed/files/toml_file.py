"""TOML files of a user's, read with errors that name the file and the line."""

import re
import tomllib
from pathlib import Path
from typing import Any

from tifed.errors import UsageError

LARGEST_FILE = 1 << 23
"""Bytes; an experiment with settings for each of 100,000 devices has a third of it."""
DEEPEST = 32
"""Tables and lists within each other."""

_PARTS = re.compile(r"(?:\.[^.,={}\[\]\n]*+){64,}+")
"""64 or more parts with dots between them; the time to read such a key grows with their square."""


def read_toml(path: Path) -> dict[str, Any]:
    """The tables and values in ``path``.

    Raises:
        UsageError: if it cannot be read, is not UTF-8, is not TOML (with the line), has more than
            `LARGEST_FILE` bytes, or nests deeper than `DEEPEST`.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
        return parse_toml(data.decode(), str(path))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: is not UTF-8 text (byte {error.start})") from error


def parse_toml(text: str, where: str) -> dict[str, Any]:
    """The tables and values in ``text``; ``where`` it is from goes into the error.

    Raises:
        UsageError: if it is not TOML (with the line), too large, or nests deeper than `DEEPEST`.
    """
    if len(text) > LARGEST_FILE:
        raise UsageError(f"{where}: is larger than {LARGEST_FILE:,} bytes, the most that is read")
    # A key ends with one of these; dots elsewhere, in comments above all, cost nothing.
    if any(text[parts.end() : parts.end() + 1] in ("=", "]") for parts in _PARTS.finditer(text)):
        raise UsageError(f"{where}: a key has more than 64 parts with dots between them")
    try:
        found = tomllib.loads(text)
    except RecursionError as error:
        raise _too_deep(where) from error
    except ValueError as error:  # also of a number with thousands of digits
        raise UsageError(f"{where}: not valid TOML: {error}") from error
    level: list[Any] = [found]
    for _ in range(DEEPEST):
        level = [
            item
            for outer in level
            if isinstance(outer, dict | list)
            for item in (outer.values() if isinstance(outer, dict) else outer)
        ]
    if any(isinstance(item, dict | list) for item in level):
        raise _too_deep(where)
    return found


def _too_deep(where: str) -> UsageError:
    return UsageError(f"{where}: tables or lists within each other, more than {DEEPEST} deep")
