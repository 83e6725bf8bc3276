"""A node as its owner has configured it: it answers for some devices, or passes on to a gateway."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from tifed.errors import UsageError
from tifed.nodes.acceptance import ANY
from tifed.nodes.answer import answer
from tifed.nodes.context import DeviceSelection, simulated_context
from tifed.nodes.gateway.relay import PATIENCE, ask
from tifed.nodes.kept import Kept
from tifed.nodes.messages.content import Content
from tifed.nodes.terms import NodeTerms

CONFIG_KEYS = (
    "partition-id", "num-partitions", "first-device", "data-dir",
    "gateway", "gateway-tls", "gateway-patience", *NodeTerms.names(),
)  # fmt: skip
"""All keys of a node configuration."""


@dataclass(frozen=True)
class GatewayAccess:
    """How a node reaches the gateway of its boards.

    Attributes:
        address: ``unix:PATH`` or ``tcp:HOST:PORT``.
        patience: seconds that a gateway which is gone has until it answers.
        tls: private file for a gateway at a TCP address.
    """

    address: str
    patience: float = PATIENCE
    tls: Path | None = None


@dataclass(frozen=True)
class Request:
    """What a server asks of a node.

    Attributes:
        experiment: as TOML, resolved.
        content: the message.
        timeout: seconds that the server waits for the answer.
        data_dir: folder of data sets that the server names; empty for none.
    """

    experiment: str
    content: Content
    timeout: float
    data_dir: str = ""


@dataclass(frozen=True)
class Node:
    """One node.

    Attributes:
        selection: which devices it answers for.
        terms: what may be done with its own data; those of boards are their gateway's affair.
        data_dir: its own folder of data sets; None if it names none.
        gateway: of its boards; None if it simulates its devices.
    """

    selection: DeviceSelection
    terms: NodeTerms = field(default_factory=NodeTerms)
    data_dir: str | None = None
    gateway: GatewayAccess | None = None

    @classmethod
    def from_config(cls, config: Mapping[str, Any], terms: NodeTerms | None = None) -> Self:
        """Out of a node configuration.

        Args:
            config: it.
            terms: what may be done with the node's own data; default what the configuration says.

        Raises:
            UsageError: naming a key that is wrong.
        """
        selection = _selection(config)
        if "gateway" in config:
            NodeTerms.require_none(config)
            return cls(selection, gateway=_gateway(config))
        folder = config.get("data-dir")
        return cls(
            selection, terms or NodeTerms.from_config(config),
            None if folder is None else str(folder),
        )  # fmt: skip

    def answer(self, request: Request, kept: Kept) -> Content:
        """What it says, or its gateway does; a refusal if the devices cannot do it.

        Args:
            request: what is asked.
            kept: from one message to the next.

        Raises:
            UsageError: if the experiment cannot be carried out here.
            RunError: if the gateway is gone.
            MessageError: if the gateway refuses.
        """
        if self.gateway is not None:
            return ask(
                self.gateway.address, request.experiment, self.selection, request.content,
                request.timeout, self.gateway.patience, self.gateway.tls,
            )  # fmt: skip
        folder = self.data_dir
        if folder is None:
            # Which files may be read is not for the server to say.
            folder = request.data_dir if self.terms.accepts == ANY else ""
        here = simulated_context(
            request.experiment, self.selection, Path(folder) if folder else None, self.terms
        )
        # Not before it is clear that the owner takes part: others must not have anything forgotten.
        memory = kept.memory(request.experiment)
        here = replace(here, memory=memory, last=kept.last)
        if here.orders.federation.upload.residual:
            owner = f"{here.experiment} {here.data} {here.devices}"
            here = replace(here, residuals=kept.residuals_of(owner))
        return answer(here, request.content)


def _gateway(config: Mapping[str, Any]) -> GatewayAccess:
    """How the configuration says that the gateway is reached.

    Raises:
        UsageError: naming a key that is wrong.
    """
    patience, tls = config.get("gateway-patience", PATIENCE), config.get("gateway-tls")
    if type(patience) not in (int, float):
        raise UsageError(f"node configuration: gateway-patience is {patience!r}, not seconds")
    return GatewayAccess(str(config["gateway"]), patience, None if tls is None else Path(str(tls)))


def _selection(config: Mapping[str, Any]) -> DeviceSelection:
    """Which devices the configuration gives to the node.

    Raises:
        UsageError: naming a key that is wrong.
    """
    wanted = ("first-device",) if "first-device" in config else ("partition-id", "num-partitions")
    for key in wanted:
        if key not in config:
            raise UsageError(
                f"node configuration: {key} is missing; say which devices the node hosts, with "
                "partition-id and num-partitions, or with first-device"
            )
        if type(config[key]) is not int:
            raise UsageError(f"node configuration: {key} is {config[key]!r}, not a whole number")
    numbers = [int(config[key]) for key in wanted]
    if len(numbers) == 1:
        return DeviceSelection(first=numbers[0])
    return DeviceSelection(partition=(numbers[0], numbers[1]))
