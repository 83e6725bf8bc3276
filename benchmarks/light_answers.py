"""Answers of many nodes with one device each, of which one has the work."""

from dataclasses import dataclass, field, replace
from threading import Lock
from typing import cast

import numpy as np

from tifed.nodes.answer import answer
from tifed.nodes.context import DeviceSelection, HostedFleet, NodeContext, simulated_context
from tifed.nodes.messages.content import Content
from tifed.nodes.terms import NodeTerms


@dataclass
class LightAnswers:
    """The first that is asked to train does; the others give its sum as theirs.

    So a server has the work of real nodes, and this machine has not. No accuracy means anything.

    Attributes:
        context: of a node with all devices.
    """

    context: NodeContext
    _sum: Content | None = None
    _lock: Lock = field(default_factory=Lock)

    @classmethod
    def of(cls, experiment: str) -> "LightAnswers":
        """For an experiment as TOML, resolved."""
        every = DeviceSelection(partition=(0, 1))
        return cls(simulated_context(experiment, every, None, NodeTerms.open()))

    def say(self, device: int, content: Content) -> Content:
        """What the node of ``device`` says; any thread may ask."""
        with self._lock:
            if content.kind == "fit" and self._sum is not None:
                now = {name: content.values[name] for name in ("round", "exchange")}
                arrays = {**self._sum.arrays, "devices": np.array([[device, 1]])}
                return Content("fit", {**self._sum.values, **now}, arrays)
            devices = range(device, device + 1)
            setup = cast("HostedFleet", self.context.fleet).setup
            node = replace(self.context, devices=devices, fleet=HostedFleet(setup, devices))
            said = answer(node, content)
            if said.kind == "fit":
                self._sum = said
            return said
