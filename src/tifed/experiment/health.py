"""Which devices a run has lost, when and why, and when they came back."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tifed.federation import RoundRecord
from tifed.printable import printable

Row = Mapping[str, Any]
"""``round`` (from 1), ``device``, ``event`` (``lost`` or ``back``) and ``reason``."""

EVENTS = LOST, BACK = "lost", "back"


def away(rows: Sequence[Row]) -> set[int]:
    """The devices that are lost after ``rows``, first to last."""
    last = {int(row["device"]): row["event"] for row in rows}
    return {device for device, event in last.items() if event == LOST}


def changes(lost: set[int], record: RoundRecord) -> list[dict[str, Any]]:
    """What a round has changed; only changes are kept, so a file does not grow with devices.

    Args:
        lost: devices that were lost before the round.
        record: of the round.
    """
    number = record.round + 1
    answered = lost & set(record.answered.tolist()) if lost else set()
    return [
        {"round": number, "device": device, "event": BACK, "reason": ""}
        for device in sorted(answered - record.absent.keys())
    ] + [
        {"round": number, "device": device, "event": LOST, "reason": printable(reason)}
        for device, reason in sorted(record.absent.items())
        if device not in lost
    ]


def check_health() -> Callable[[Mapping[str, str], int], None]:
    """A check of rows of ``health.csv`` that come one after the other, for `sound_part`."""
    last = 0

    def check(row: Mapping[str, str], before: int) -> None:
        nonlocal last
        del before
        if not {"round", "device", "event", "reason"} <= row.keys():
            raise ValueError("has no round, device, event and reason")
        for column in ("round", "device"):
            if not row[column].isascii() or not row[column].isdecimal():
                raise ValueError(f"{column}: {row[column]!r:.20} is not a number")
        if row["event"] not in EVENTS:
            raise ValueError(f"event: {row['event']!r:.20} is not one of {', '.join(EVENTS)}")
        if int(row["round"]) < last:
            raise ValueError(f"is of round {row['round']} behind one of round {last}")
        last = int(row["round"])

    return check
