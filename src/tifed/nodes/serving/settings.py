"""What a run over nodes needs to know beside its experiment."""

from dataclasses import dataclass, field

from tifed.errors import UsageError
from tifed.nodes.serving.sites import Sites


@dataclass(frozen=True)
class Settings:
    """Settings of a run.

    Attributes:
        experiment: as TOML, resolved.
        out: folder of the run on the server's machine, absolute; empty for none. If it holds a
            run of this experiment already, the run goes on.
        data_dir: folder of data sets; empty for the usual places. A node's own ``data-dir`` (node
            configuration) goes before it.
        timeout: seconds that a node has for one message.
        attempts: how often the same work of a device may be sent, to its node or to one that was
            started again in its place, before the device is lost to the exchange.
        grace: seconds to wait for a node that hosts a device, at the start and when one has left;
            while a node has yet to say what it hosts, the wait goes on.
        sites: which devices each site may host; of none if no site is bound to any.
    """

    experiment: str
    out: str = ""
    data_dir: str = ""
    timeout: float = 600.0
    attempts: int = 2
    grace: float = 120.0
    sites: Sites = field(default_factory=lambda: Sites({}))

    def __post_init__(self) -> None:
        for name in ("timeout", "attempts"):
            if not getattr(self, name) > 0:
                raise UsageError(f"{name}: {getattr(self, name)} is not more than 0")
        if not self.grace >= 0:
            raise UsageError(f"grace: {self.grace} is less than 0")
