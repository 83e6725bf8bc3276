"""What a resident node answers: by itself, or by the gateway that its configuration names."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tifed.errors import TifedError, UsageError
from tifed.nodes.answer import answer
from tifed.nodes.context import DeviceSelection, named, simulated_context
from tifed.nodes.gateway.relay import PATIENCE, ask
from tifed.nodes.last_answer import LastAnswer
from tifed.nodes.messages.content import Content, MessageError, refusal
from tifed.nodes.mqtt.connection import log
from tifed.nodes.mqtt.tasks import Task, plan_bytes
from tifed.nodes.site_memory import SiteMemory
from tifed.nodes.terms import NodeTerms

_OWN_KEYS = (
    "partition-id", "num-partitions", "first-device", "data-dir",
    "gateway", "gateway-tls", "gateway-patience",
)  # fmt: skip


@dataclass
class SiteAnswers:
    """Answers for one site's devices, of one experiment at a time.

    Attributes:
        config: of the node, with the keys that a Flower node's configuration has.
    """

    config: Mapping[str, Any]
    _experiment: str = ""
    _memory: SiteMemory = field(default_factory=SiteMemory)
    _last: LastAnswer = field(default_factory=LastAnswer)

    def __post_init__(self) -> None:
        known = {*_OWN_KEYS, *NodeTerms.names()}
        for key in self.config:
            if key not in known:
                raise UsageError(
                    f"node configuration: {key[:40]!r} is no key; there are "
                    + ", ".join(sorted(known))
                )
        self._selection = _selection(self.config)
        self._terms = NodeTerms()
        if "gateway" in self.config:
            NodeTerms.require_none(self.config)
            return
        self._terms = NodeTerms.from_config(self.config)
        if self._terms.ledger is not None:
            self._last = LastAnswer.kept_in(self._terms.ledger.last)

    def __call__(self, task: Task) -> bytes:
        """The bytes of the answer; a reason if it cannot be given."""
        name = ""
        try:
            name = named(task.experiment)
            said = self._answered(task, task.content(name))
        except (TifedError, MessageError) as error:
            log.warning("refused: %s", error)
            said = refusal(name, str(error))
        return plan_bytes(said)

    def _answered(self, task: Task, content: Content) -> Content:
        if "gateway" in self.config:
            return self._relayed(task, content)
        if self._experiment != task.experiment:
            log.info("experiment %s", str(content.values["experiment"])[:8])
            simulated_context.cache_clear()  # of the experiment before, which may be large
            self._experiment, self._memory = task.experiment, SiteMemory()
        folder = str(self.config.get("data-dir", ""))
        here = simulated_context(
            task.experiment, self._selection, Path(folder) if folder else None, self._terms
        )
        return answer(replace(here, memory=self._memory, last=self._last), content)

    def _relayed(self, task: Task, content: Content) -> Content:
        patience = self.config.get("gateway-patience", PATIENCE)
        if type(patience) not in (int, float):
            raise UsageError(f"node configuration: gateway-patience is {patience!r}, not seconds")
        tls = self.config.get("gateway-tls")
        return ask(
            str(self.config["gateway"]), task.experiment, self._selection, content, task.timeout,
            patience, None if tls is None else Path(str(tls)),
        )  # fmt: skip


def _selection(node: Mapping[str, Any]) -> DeviceSelection:
    """Which devices the node configuration gives to the node."""
    wanted = ("first-device",) if "first-device" in node else ("partition-id", "num-partitions")
    for key in wanted:
        if type(node.get(key)) is not int:
            raise UsageError(f"node configuration: {key} is {node.get(key)!r}, not a whole number")
    numbers = [int(node[key]) for key in wanted]
    if len(numbers) == 1:
        return DeviceSelection(first=numbers[0])
    return DeviceSelection(partition=(numbers[0], numbers[1]))
