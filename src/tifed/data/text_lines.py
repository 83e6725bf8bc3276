"""A user's file of text, line by line, within bounds of memory."""

from collections.abc import Iterator
from pathlib import Path

from tifed.errors import UsageError

_LONGEST = 1 << 24  # characters of a line

Lines = Iterator[tuple[int, str]]
"""Each line's number, from 1, and its text without the end of line."""


def numbered_lines(path: Path) -> Lines:
    """The lines of a UTF-8 file, with or without a byte order mark.

    Raises:
        UsageError: if the file cannot be read, or what is in it is no text.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            number = 0
            while line := file.readline(_LONGEST):
                number += 1
                if "\0" in line:
                    raise UsageError(
                        f"{path}: line {number} holds a NUL character, so this is no text; save it "
                        "as CSV UTF-8"
                    )
                if len(line) == _LONGEST:
                    raise UsageError(
                        f"{path}: line {number} has {_LONGEST} characters or more; is it a table "
                        "with a row per sample?"
                    )
                yield number, line.rstrip("\n")
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: is not UTF-8 text ({error}); save it as CSV UTF-8") from error
