"""What one site is asked: the run, what all are sent alike, and its own part."""

from collections.abc import Mapping
from typing import Any

from tifed.nodes.messages.content import Arrays, Content, MessageError
from tifed.nodes.messages.encoding import from_bytes, to_bytes
from tifed.nodes.mqtt.topics import PLAN, RUN
from tifed.nodes.node import Request

_MESSAGE = "message"


def run_bytes(experiment: str, timeout: float) -> bytes:
    """What is shared of a run: its experiment as TOML, and the seconds that a node has."""
    return to_bytes({"experiment": experiment, "timeout": float(timeout)}, {})


def work_bytes(run: str, plan: str | Content, own: Arrays) -> bytes:
    """One site's work.

    Args:
        run: name of the run that is shared.
        plan: name of what is shared of the exchange, or what is sent with the work instead.
        own: arrays of this site alone.
    """
    if isinstance(plan, str):
        return to_bytes({RUN: run, PLAN: plan}, own)
    return to_bytes({RUN: run, _MESSAGE: dict(plan.values)}, plan.arrays | own)


def work_from_bytes(data: bytes) -> tuple[dict[str, Any], Arrays]:
    """A work's head and own arrays.

    Raises:
        MessageError: if it is none.
    """
    head, own = from_bytes(data)
    if not isinstance(head, dict) or not isinstance(head.get(RUN), str):
        raise MessageError("is no work")
    return head, own


def request_from(head: Mapping[str, Any], own: Arrays, shared: Mapping[str, bytes]) -> Request:
    """What a work and what is shared ask.

    Args:
        head: of the work.
        own: arrays of the work.
        shared: by slot, what the work's head names.

    Raises:
        MessageError: if they are not what `run_bytes` and `work_bytes` make.
    """
    run, _ = from_bytes(shared[RUN])
    said: dict[str, Any] = run if isinstance(run, dict) else {}
    experiment, timeout = said.get("experiment"), said.get("timeout")
    values, arrays = head.get(_MESSAGE), own
    if PLAN in shared:
        values, alike = from_bytes(shared[PLAN])
        arrays = alike | own
    if not isinstance(experiment, str) or not isinstance(values, dict):
        raise MessageError("has no experiment or no message")
    if not isinstance(timeout, float):
        raise MessageError("does not say how many seconds there are")
    return Request(experiment, Content(str(values.get("kind")), values, arrays), timeout)
