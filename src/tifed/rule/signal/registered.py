"""The signal front ends by name, and what each of them is made from."""

from typing import NoReturn

from tifed.errors import UsageError

SIGNALS: dict[str, str] = {
    "motion": "windows of a motion sensor's readings: a table with data.window, or 'watches'",
    "log-mel": "sound: 'spoken-digits', or a folder of WAV files",
}
"""By name, the data that a signal front end takes. The loader of such data applies it."""


def motion(shape: tuple[int, ...]) -> NoReturn:
    """What `FRONT_ENDS` has under this name: samples that are no readings are refused."""
    _refuse("motion")


def log_mel(shape: tuple[int, ...]) -> NoReturn:
    """What `FRONT_ENDS` has under this name: samples that are no readings are refused."""
    _refuse("log-mel")


def _refuse(name: str) -> NoReturn:
    raise UsageError(f"it takes {SIGNALS[name]}")
