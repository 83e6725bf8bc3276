"""What counts as a number, as an integer and as a missing value in text.

Python's own ``float`` and ``int`` take more than a table means: ``1_000``, digits of every script,
``infinity``. A person called ``1_10`` is no number.
"""

import re

MISSING = frozenset({"", "?", "na", "n/a", "nan", "null", "none"})
"""Words for a value that is not there, in small letters."""

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_PLAIN = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?")
_INTEGER = re.compile(r"0|-?[1-9][0-9]*")
_LONGEST_SHOWN = 40  # characters of a user's text in a message


def is_number(text: str, decimal: str = ".") -> bool:
    """Whether ``text`` is a decimal number; blanks around it do not count.

    >>> [is_number(text) for text in ("1e3", "-.5", " +1.0 ", "1_000", "0x1", "1 2", "nan")]
    [True, True, True, False, False, False, False]
    >>> is_number("1,5", ","), is_number("1.5", ",")
    (True, False)
    """
    return _NUMBER.fullmatch(_with_point(text.strip(), decimal)) is not None


def to_number(text: str, decimal: str = ".") -> float:
    """The value of a text that `is_number`; infinite if it is too large."""
    return float(_with_point(text.strip(), decimal))


def is_plain_number(text: str) -> bool:
    """Whether ``text`` is a number written without a plus sign or leading zeros.

    >>> is_plain_number("1.0000000e+00"), is_plain_number("01")
    (True, False)
    """
    return _PLAIN.fullmatch(text) is not None


def is_integer(text: str) -> bool:
    """Whether ``text`` is an integer in the one way in which it is usually written.

    >>> [is_integer(text) for text in ("-3", "0", "01", "-0", "+1", "1_10", "1.0")]
    [True, True, False, False, False, False, False]
    """
    return _INTEGER.fullmatch(text) is not None


def is_missing(text: str) -> bool:
    """Whether ``text`` says that there is no value.

    >>> is_missing(" "), is_missing("NaN"), is_missing("0")
    (True, True, False)
    """
    return text.strip().lower() in MISSING


def shown(text: str) -> str:
    """``text`` as a message quotes it: in quotation marks, and not too long.

    >>> shown("x" * 1000)
    "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'..."
    """
    return repr(text) if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]!r}..."


def _with_point(text: str, decimal: str) -> str:
    """``text`` with a point for ``decimal``; a point of its own then is none."""
    if decimal == ".":
        return text
    return text.replace(".", "_").replace(decimal, ".")
