"""TOML files of a user's, read with errors that name the file and the line."""

import tomllib
from pathlib import Path
from typing import Any

from tifed.errors import UsageError


def read_toml(path: Path) -> dict[str, Any]:
    """The tables and values in ``path``.

    Raises:
        UsageError: if it cannot be read, is not UTF-8, or is not TOML (with the line).
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: is not UTF-8 text (byte {error.start})") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: not valid TOML: {error}") from error
