"""Which devices a run has lost, when and why, and when they came back."""

from collections.abc import Mapping, Sequence
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
