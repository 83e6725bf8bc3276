"""What one site is asked: the run, what all are sent alike, and its own part."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from tifed.nodes.messages.content import Arrays, Content, MessageError, check_head
from tifed.nodes.mqtt.payload import from_bytes, to_bytes
from tifed.nodes.mqtt.topics import PLAN, RUN

_MESSAGE = "message"


def run_bytes(experiment: str, timeout: float) -> bytes:
    """What is shared of a run: its experiment as TOML, and the seconds that a node has."""
    return to_bytes({"experiment": experiment, "timeout": timeout}, {})


def plan_bytes(content: Content) -> bytes:
    """What an exchange sends all nodes alike."""
    return to_bytes(content.values, content.arrays)


def work_bytes(run: str, plan: str | Content, own: Arrays) -> bytes:
    """One site's work.

    Args:
        run: name of the run that is shared.
        plan: name of what is shared of the exchange, or what is sent with the work instead.
        own: arrays of this site alone.
    """
    if isinstance(plan, str):
        return to_bytes({RUN: run, PLAN: plan}, own)
    return to_bytes({RUN: run, _MESSAGE: dict(plan.values)}, dict(plan.arrays) | own)


@dataclass(frozen=True)
class Task:
    """One thing to answer.

    Attributes:
        experiment: as TOML.
        timeout: seconds that there are for it.
        values: the head of the message.
        arrays: all of its arrays.
    """

    experiment: str
    timeout: float
    values: Mapping[str, Any]
    arrays: Arrays

    @classmethod
    def of(cls, head: Mapping[str, Any], own: Arrays, shared: Mapping[str, bytes]) -> Self:
        """Out of a work and what is shared.

        Raises:
            MessageError: if they are not what `run_bytes`, `plan_bytes` and `work_bytes` make.
        """
        if RUN not in shared:
            raise MessageError("names no run")
        run, _ = from_bytes(shared[RUN])
        experiment, timeout = run.get("experiment"), run.get("timeout")
        values: Any = head.get(_MESSAGE)
        arrays = own
        if PLAN in shared:
            values, alike = from_bytes(shared[PLAN])
            arrays = alike | own
        if not isinstance(experiment, str) or not isinstance(values, dict):
            raise MessageError("has no experiment or no message")
        if type(timeout) not in (int, float):
            raise MessageError("does not say how many seconds there are")
        return cls(experiment, float(timeout or 0), values, arrays)

    def content(self, experiment: str) -> Content:
        """The message, which is about the experiment with the digest ``experiment``.

        Raises:
            MessageError: if it is not.
        """
        return Content(check_head(self.values, None, experiment), self.values, self.arrays)
