"""Why a line cannot be opened, in the operating system's words."""

import errno
import os
import socket

_IN_USE = {errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK}


def reason(error: Exception) -> str:
    """What the operating system says of ``error``, without numbers and prefixes.

    >>> reason(FileNotFoundError(2, "No such file or directory"))
    'No such file or directory'
    """
    number = _number(error)
    if number is None:
        return str(getattr(error, "strerror", None) or error)
    words = os.strerror(number)
    if number in _IN_USE:
        return f"another program has it open ({words})"
    if number == errno.ENOTTY:
        return f"it is not a serial port ({words})"
    return words


def _number(error: Exception) -> int | None:
    """The system's number of an error, which pyserial keeps in one place or another."""
    for one in (error, error.__context__):
        if isinstance(one, socket.gaierror):
            return None  # who looks up names has numbers and words of his own
        if isinstance(one, OSError) and one.errno is not None:
            return one.errno
        if one is not None and one.args and type(one.args[0]) is int:
            return one.args[0]  # termios.error
    return None
