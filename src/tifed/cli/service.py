"""What commands share that run until they are told to stop."""

import logging
import signal
import sys
import threading

LINE = "%(asctime)s %(message)s"


def stop_on_signals() -> threading.Event:
    """An event that ^C and SIGTERM set."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


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
