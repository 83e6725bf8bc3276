"""What commands share that run until they are told to stop."""

import logging
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
"""Signals that end a program which does not look after them, on the spot."""
LINE = "%(asctime)s %(message)s"


def stop_on_signals() -> threading.Event:
    """An event that ^C and SIGTERM set."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


@contextmanager
def ending_in_order() -> Iterator[None]:
    """Have SIGTERM and a terminal that hangs up end what is under way as ^C does, by an exception.

    Whatever has to be cleared up is then cleared up; another signal does not interrupt that.
    """

    def end(number: int, frame: FrameType | None) -> None:
        for one in ENDING:
            signal.signal(one, signal.SIG_IGN)
        raise SystemExit(128 + number)

    before = [(one, signal.signal(one, end)) for one in ENDING]
    try:
        yield
    finally:
        for one, handler in before:
            signal.signal(one, handler)


def log_to_stderr() -> None:
    """The package's log, a line per event with the time, on standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(LINE, "%Y-%m-%d %H:%M:%S"))
    log = logging.getLogger("tifed")
    log.addHandler(handler)
    log.setLevel(logging.INFO)


def addresses(text: str) -> tuple[str, ...]:
    """Addresses with commas between them."""
    return tuple(part.strip() for part in text.split(",") if part.strip())
